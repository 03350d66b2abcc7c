import type { ContainerEngine, EngineInfo } from "../container/engine.ts";
import { RunError, toRunFailure } from "../run/failure.ts";
import { fail, pass, type Finding } from "./check.ts";
import { isOlder, parseVersion } from "./compare-versions.ts";

/** The oldest engine that makes the profile of a run (private cgroup namespaces, the `local` log driver). */
const OLDEST = [20, 10];

export type CheckDockerOptions = {
  /** RUN_RUNTIME, or null for the engine's own. */
  runtime: string | null;
};

/** Whether an engine answers, is new enough, and has the runtime that runs want. `open` may throw, too. */
export async function checkDocker(open: () => ContainerEngine, options: CheckDockerOptions): Promise<Finding> {
  try {
    return judgeEngine(await open().readEngineInfo(), options);
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    const { reason, message, hint } = error.failure;
    // The usual hint sends people to this very command.
    const isUsual = hint === toRunFailure(reason, { message }).hint;
    return fail(message, { mend: isUsual ? "Install or start the Docker engine, and check DOCKER_HOST." : hint });
  }
}

/** Judges what the engine says about itself. */
export function judgeEngine(info: EngineInfo, { runtime }: CheckDockerOptions): Finding {
  const version = parseVersion(info.version);
  if (isOlder(version, OLDEST)) {
    return fail(`Docker ${info.version} is older than ${OLDEST.join(".")}`, { mend: "Upgrade the Docker engine." });
  }
  if (runtime !== null && !info.runtimes.includes(runtime)) {
    return fail(`the engine has no runtime ${runtime}, only ${info.runtimes.join(", ")}`, {
      mend: "Register it with the engine (daemon.json, `runtimes`), or unset RUN_RUNTIME.",
    });
  }
  return pass(
    `Docker ${info.version} on ${info.operatingSystem || "an unnamed system"} (${info.architecture})`,
    runtime === null ? null : `runtime ${runtime}`,
    isBeforeFixes(version)
      ? "older than 23.0.11, 25.0.5 and 26, which mend leaks of inner networks; runs have no network, but an upgrade is wise"
      : null,
  );
}

/** CVE-2024-29018: mended in 23.0.11, 25.0.5 and 26.0.0, never in 24. */
function isBeforeFixes(version: number[]): boolean {
  const [major = 0] = version;
  if (major === 23) return isOlder(version, [23, 0, 11]);
  if (major === 25) return isOlder(version, [25, 0, 5]);
  return major < 26;
}
