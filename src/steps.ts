import { channel } from "node:diagnostics_channel";

/**
 * The moments at which a process can die and leave the most to put right. They come in the order of a run's life; each
 * is passed just after what its name says, and before that is written to the record.
 */
export const STEPS = [
  "delivery-arrived",
  "delivery-recorded",
  "permission-checked",
  "token-minted",
  "clone-half",
  "container-created",
  "agent-running",
  "agent-ended",
  "ingest-begun",
  "commit-made",
  "push-sent",
  "branch-pushed",
  "pull-request-opened",
  "comment-finished",
  "clean-up-begun",
] as const;
export type Step = (typeof STEPS)[number];

const steps = channel("codex-orchestrator:step");

/** Says that this process has come to a step. Costs nothing while nobody listens. */
export function passStep(step: Step): void {
  if (steps.hasSubscribers) steps.publish(step);
}

/** From now on this process kills itself, as by `kill -9`, when it comes to this step. For tests of recovery. */
export function crashAtStep(step: Step): void {
  steps.subscribe((passed) => {
    if (passed === step) process.kill(process.pid, "SIGKILL");
  });
}
