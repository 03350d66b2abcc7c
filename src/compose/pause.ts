import type { ContainerEngine } from "../container/engine.ts";
import type { ModelBreaker } from "../gateway/model-breaker.ts";
import type { Logger } from "../logger.ts";
import type { DiskCheck } from "../retention/disk-check.ts";
import type { Role } from "../trigger/cli/product.ts";

export type PauseCheckOptions = {
  role: Role;
  breaker: ModelBreaker;
  engine: ContainerEngine;
  /** Null where nobody else could take a run: it is then begun, and tells what is wrong. */
  disk: Pick<DiskCheck, "demandRoom"> | null;
  log: Logger;
};

/**
 * Tells what must not be begun for now: nothing while the engine is away, no new run while the model refuses every one, or
 * while the disk is nearly full and other machines may have room. Each is logged once. Somebody who waits at a terminal, or a client that called, is not paused: the run tells what is wrong.
 */
export function createPauseCheck({
  role,
  breaker,
  engine,
  disk,
  log,
}: PauseCheckOptions): () => Promise<"none" | "new-runs" | "all"> {
  let told: "none" | "new-runs" | "all" = "none";
  let full: Error | null = null;
  const check = async (): Promise<"none" | "new-runs" | "all"> => {
    if (role !== "serve" && role !== "worker") return "none";
    if (!(await isThere(engine))) return "all";
    if (breaker.state().kind === "open") return "new-runs";
    full = (await disk?.demandRoom().then(() => null, toError)) ?? null;
    return full === null ? "none" : "new-runs";
  };
  return async () => {
    const now = await check();
    const state = breaker.state();
    // A trial run is no news: the pause is over when the model gave a good answer.
    if (now === told || (now === "none" && state.kind !== "closed")) return now;
    if (now === "all") log.error("the container engine does not answer: runs wait until it does");
    else if (state.kind === "open") log.error({ why: state.why }, "the model refuses every run: new runs wait");
    else if (full !== null)
      log.error({ why: full.message }, "the disk is nearly full: new runs wait for other machines");
    else log.info("runs are taken again");
    told = now;
    return now;
  };
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

function isThere(engine: ContainerEngine): Promise<boolean> {
  return engine.ping().then(
    () => true,
    () => false,
  );
}
