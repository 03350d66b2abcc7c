/**
 * Wakes the processes that share one record, and shares out what only one of them should do. Nothing rests on it but time:
 * the record is the truth, and a process that is never woken finds the same work when it looks by itself.
 */
export type Bell = AsyncDisposable & {
  /** Tells every process that a run waits. Never throws: a lost ring costs at most one look. */
  ring(): void;
  /** Called when somebody rang, this process included, and when rings may have been lost. May be called once too often. */
  onRing(listener: () => void): void;
  /**
   * Does a chore at once and then every so often, in one process at a time; when another process did it in this period
   * already, it is not done again. What the chore rejects with is its own affair. Resolves once it is set up.
   */
  every(name: string, options: EveryOptions, body: () => Promise<void>): Promise<void>;
};

export type EveryOptions = {
  /** From one beginning to the next, at least 1. A chore that takes longer is not begun a second time beside itself. */
  seconds: number;
};
