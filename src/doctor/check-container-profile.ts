import type { Config } from "../config.ts";
import type { ContainerEngine } from "../container/engine.ts";
import { toRunFailure } from "../run/failure.ts";
import type { StatePaths } from "../store/paths.ts";
import { fail, pass, type Finding } from "./check.ts";
import { findWrongEnd, openProbe, runProbe } from "./probe.ts";

export type CheckContainerOptions = {
  config: Pick<Config, "image" | "limits" | "runtime">;
  paths: StatePaths;
  signal: AbortSignal;
  /** Longest the container may run, in milliseconds. Default 20 s. */
  timeoutMs?: number;
};

/** Many times what it takes, also on a busy machine. */
export const PROBE_TIMEOUT_MS = 20_000;

/**
 * Whether the engine makes a run's container exactly as wanted, Codex starts in it, and it is gone afterwards. Rejects
 * with the engine's own reason when it makes another one.
 */
export async function checkContainerProfile(engine: ContainerEngine, options: CheckContainerOptions): Promise<Finding> {
  await using probe = await openProbe(engine, { ...options, argv: ["--version"], prompt: "" });
  const end = await runProbe(engine, {
    probe,
    timeoutMs: options.timeoutMs ?? PROBE_TIMEOUT_MS,
    signal: options.signal,
  });
  const wrong = findWrongEnd(end);
  const mend = toRunFailure("image-unusable", { message: "Codex does not start." }).hint;
  if (wrong !== null) return fail(`Codex does not start in a run's container: ${wrong}`, { mend });

  const version = /^codex-cli (\S+)$/m.exec(end.stdout)?.[1];
  if (version === undefined) return fail("what starts in a run's container is not Codex", { mend });
  const { network, user, rootFilesystem } = probe.spec;
  return pass(
    `made as wanted (network ${network}, root file system ${rootFilesystem}, user ${user}, no capabilities)`,
    `Codex ${version} started in it`,
    "it is gone again",
  );
}
