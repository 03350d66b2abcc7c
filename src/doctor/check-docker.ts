import type { Config } from "../config.ts";
import type { ContainerEngine, EngineInfo } from "../container/engine.ts";
import { RunError, toRunFailure } from "../run/failure.ts";
import { fail, pass, type Finding } from "./check.ts";
import { MAX_SKEW_S, toSkewS } from "./clock-skew.ts";
import { isOlder, parseVersion } from "./compare-versions.ts";

/** The oldest engine that makes the profile of a run (private cgroup namespaces, the `local` log driver). */
const OLDEST = [20, 10];

export type CheckDockerOptions = Pick<Config, "runtime" | "limits" | "concurrency">;

/** Whether an engine answers, is new enough, has the runtime that runs want, and the same time. `open` may throw, too. */
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
export function judgeEngine(info: EngineInfo, options: CheckDockerOptions): Finding {
  const { runtime } = options;
  if (isOlder(parseVersion(info.version), OLDEST)) {
    return fail(`Docker ${info.version} is older than ${OLDEST.join(".")}`, { mend: "Upgrade the Docker engine." });
  }
  if (runtime !== null && !info.runtimes.includes(runtime)) {
    return fail(`the engine has no runtime ${runtime}, only ${info.runtimes.join(", ")}`, {
      mend: "Register it with the engine (daemon.json, `runtimes`), or unset RUN_RUNTIME.",
    });
  }
  const skewS = info.time === null ? 0 : toSkewS(info.time);
  if (skewS > MAX_SKEW_S) {
    return fail(`the engine's clock and this machine's differ by ${skewS} s`, {
      mend: "Set the clock of the engine's machine (`timedatectl set-ntp true`; restart Docker Desktop or its virtual machine).",
    });
  }
  return pass(
    `Docker ${info.version} on ${info.operatingSystem || "an unnamed system"} (${info.architecture})`,
    runtime === null ? null : `runtime ${runtime}`,
    toMemoryNote(info, options),
  );
}

const GIB = 1024 ** 3;

function toMemoryNote({ memoryBytes }: EngineInfo, { limits, concurrency }: CheckDockerOptions): string | null {
  const wanted = limits.memoryBytes * concurrency.total;
  if (memoryBytes === 0 || wanted <= memoryBytes) return null;
  const [all, one, has] = [wanted, limits.memoryBytes, memoryBytes].map((bytes) => (bytes / GIB).toFixed(1));
  return `${concurrency.total} runs at once may want ${all} GiB (RUN_MEMORY is ${one} GiB each), and it has ${has} GiB: lower RUN_MEMORY or MAX_CONCURRENT_RUNS`;
}
