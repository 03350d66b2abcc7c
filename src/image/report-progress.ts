export type ReportProgressOptions = {
  onProgress: (line: string) => void;
  /** Least time between two lines of one step, in milliseconds. Default 5 s. */
  everyMs?: number;
};

/**
 * Reports one step to people: that it began, now and then the last thing it said, and how long it took when that was
 * more than 2 s.
 */
export function reportProgress(title: string, { onProgress, everyMs = 5_000 }: ReportProgressOptions) {
  return {
    async during<T>(work: (onLine: (line: string) => void) => Promise<T>): Promise<T> {
      const startedAt = performance.now();
      let saidAt = startedAt;
      onProgress(`${title} …`);
      const result = await work((line) => {
        if (performance.now() - saidAt < everyMs) return;
        saidAt = performance.now();
        onProgress(`${title}: ${line}`);
      });
      const tookMs = performance.now() - startedAt;
      if (tookMs > 2_000) onProgress(`${title} done in ${(tookMs / 1000).toFixed(1)} s`);
      return result;
    },
  };
}
