import type { ContainerEngine } from "./container/engine.ts";
import type { ModelBreaker } from "./gateway/model-breaker.ts";
import type { Logger } from "./logger.ts";
import type { Role } from "./trigger/cli/product.ts";

export type PauseCheckOptions = { role: Role; breaker: ModelBreaker; engine: ContainerEngine; log: Logger };

/**
 * Tells what must not be begun for now: nothing while the engine is away, no new run while the model refuses every one.
 * Each is logged once. Somebody who waits at a terminal, or a client that called, is not paused: the run tells what is wrong.
 */
export function createPauseCheck({
  role,
  breaker,
  engine,
  log,
}: PauseCheckOptions): () => Promise<"none" | "new-runs" | "all"> {
  let told: "none" | "new-runs" | "all" = "none";
  const check = async (): Promise<"none" | "new-runs" | "all"> => {
    if (role !== "serve" && role !== "worker") return "none";
    if (!(await isThere(engine))) return "all";
    return breaker.state().kind === "open" ? "new-runs" : "none";
  };
  return async () => {
    const now = await check();
    const state = breaker.state();
    // A trial run is no news: the pause is over when the model gave a good answer.
    if (now === told || (now === "none" && state.kind !== "closed")) return now;
    if (now === "all") log.error("the container engine does not answer: runs wait until it does");
    else if (state.kind === "open") log.error({ why: state.why }, "the model refuses every run: new runs wait");
    else log.info("runs are taken again");
    told = now;
    return now;
  };
}

function isThere(engine: ContainerEngine): Promise<boolean> {
  return engine.ping().then(
    () => true,
    () => false,
  );
}
