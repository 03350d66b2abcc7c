import type { RunReporter } from "../orchestrator/run-reporter.ts";
import type { RunTracer } from "./open-tracer.ts";

/** The reporter, whose runs are also told to a collector once their people know how they ended. */
export function createTracedReporter(reporter: RunReporter | null, { tracer }: { tracer: RunTracer }): RunReporter {
  return {
    onProgress: (request, progress) => reporter?.onProgress(request, progress),
    onFinished: async (finished) => {
      await reporter?.onFinished(finished);
      tracer.note(finished.request, finished.result);
    },
  };
}
