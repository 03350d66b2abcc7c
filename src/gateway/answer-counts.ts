/** How the gateways of this process answered: by status class, or `cut` when the answer did not reach its end. */
export const ANSWER_CLASSES = ["2xx", "3xx", "4xx", "5xx", "cut"] as const;
export type AnswerClass = (typeof ANSWER_CLASSES)[number];

/** Counts the answers that runs got to what they asked the model. */
export type AnswerCounts = {
  note(answer: AnswerClass): void;
  read(): ReadonlyMap<AnswerClass, number>;
};

/** Makes the counts, all of them 0. */
export function createAnswerCounts(): AnswerCounts {
  const counts = new Map<AnswerClass, number>(ANSWER_CLASSES.map((name) => [name, 0]));
  return { note: (answer) => counts.set(answer, (counts.get(answer) ?? 0) + 1), read: () => counts };
}

/** The class of an answer that was sent. */
export function toAnswerClass(status: number): AnswerClass {
  if (status >= 500) return "5xx";
  if (status >= 400) return "4xx";
  return status >= 300 ? "3xx" : "2xx";
}
