import type { Logger } from "../logger.ts";

/**
 * Makes a body that is done once at a time: asked for again while it goes on, it is done once more afterwards. A failure
 * (the database is away) is logged once until it succeeds again; the next period tries anew.
 */
export function createGuard(
  body: () => Promise<void>,
  { doing, log }: { doing: string; log: Logger },
): () => Promise<void> {
  let going: Promise<void> | null = null;
  let again = false;
  let failing = false;
  const doAll = async (): Promise<void> => {
    do {
      again = false;
      try {
        await body();
        if (failing) log.info({ doing }, "what failed before succeeds again");
        failing = false;
      } catch (error) {
        if (!failing) log.error({ doing, err: error }, "work failed, and is tried again");
        failing = true;
      }
    } while (again);
  };
  return () => {
    if (going !== null) {
      again = true;
      return going;
    }
    going = doAll().finally(() => (going = null));
    return going;
  };
}
