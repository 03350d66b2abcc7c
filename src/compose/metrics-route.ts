import type { Composition } from "../compose.ts";
import { createMetrics, type Metrics } from "../web/metrics.ts";

/** Begins to count what this process and its record do, and makes the route that tells. */
export function openMetrics({ store, ledger, modelAnswers, setUps, log }: Composition): Metrics {
  return createMetrics({
    ...{
      measureQueue: store.measureQueue,
      followEnds: store.followEnds,
      modelAnswers,
      setUps,
      readBudgetLeft: ledger.readLeft,
    },
    onError: (error) => log.warn({ err: error }, "the record could not be measured"),
  });
}
