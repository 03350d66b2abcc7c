/** Lets work of one kind wait for its turn, so that no two pieces of it go on at once. */
export type Turns = {
  /** Runs `body` after all that asked before it, whatever became of them. */
  take<Result>(body: () => Promise<Result>): Promise<Result>;
  /** The same, but when an equal piece (same `name`) still waits for its turn, it is that one that is waited for. */
  join(name: string, body: () => Promise<void>): Promise<void>;
};

/** Makes turns that keep nothing once all work is done. `onIdle` is called then. */
export function createTurns({ onIdle }: { onIdle: () => void }): Turns {
  const waiting = new Map<string, Promise<void>>();
  let last: Promise<unknown> = Promise.resolve();
  let count = 0;

  const take = async <Result>(body: () => Promise<Result>): Promise<Result> => {
    count++;
    const turn = last.then(body, body);
    last = turn;
    try {
      return await turn;
    } finally {
      count--;
      if (count === 0) onIdle();
    }
  };
  return {
    take,
    join: (name, body) => {
      const known = waiting.get(name);
      if (known !== undefined) return known;
      const turn = take(() => {
        waiting.delete(name);
        return body();
      });
      waiting.set(name, turn);
      return turn;
    },
  };
}
