import type { BodyRefusal } from "./body-reader.ts";

/** How a delivery that GitHub signed was answered. */
export type Answer = { status: 200 | 202 | 500 | 503 };

export type AnswerMemory = {
  /**
   * The answer to the delivery that this key stands for: from memory when it was taken before or is being taken just now, else from
   * `answer`. Only what was taken is remembered, so what failed can be delivered again.
   */
  of(key: string, answer: () => Promise<Answer | BodyRefusal>): Promise<Answer | BodyRefusal>;
};

const REMEMBERED = 10_000;

/** Remembers the last 10,000: deliveries that come twice in a burst are not read twice. The record knows them all. */
export function createAnswerMemory(): AnswerMemory {
  const answers = new Map<string, Promise<Answer | BodyRefusal>>();
  const forgetOldest = (): void => {
    if (answers.size <= REMEMBERED) return;
    const [oldest] = answers.keys();
    if (oldest !== undefined) answers.delete(oldest);
  };
  return {
    of: async (key, answer) => {
      const known = answers.get(key);
      if (known !== undefined) return known;
      const given = answer();
      answers.set(key, given);
      forgetOldest();
      try {
        const { status } = await given;
        if (status >= 400) answers.delete(key);
      } catch {
        answers.delete(key);
      }
      return given;
    },
  };
}
