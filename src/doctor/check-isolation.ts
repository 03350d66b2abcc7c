import type { ContainerEngine, EngineInfo } from "../container/engine.ts";
import { fail, pass, type Finding } from "./check.ts";
import { listKnownHoles } from "./known-holes.ts";

/** Whether the engine keeps containers away from the kernel as runs need it; an engine with known holes is named, not refused. */
export async function checkIsolation(engine: ContainerEngine): Promise<Finding> {
  return judgeIsolation(await engine.readEngineInfo());
}

/** Judges what the engine says about its protections and the versions of its programs. */
export function judgeIsolation(info: EngineInfo): Finding {
  const has = (name: string): boolean => info.securityOptions.includes(name);
  if (info.securityOptions.length > 0 && !has("seccomp")) {
    return fail("the engine does not filter the system calls of containers (no seccomp profile)", {
      mend: "Take `--seccomp-profile=unconfined` out of dockerd's settings (daemon.json, `seccomp-profile`), or use a kernel with seccomp.",
    });
  }
  const users = has("rootless") ? "the engine runs without root" : "users of containers are mapped (userns)";
  const holes = listKnownHoles(info);
  return pass(
    info.securityOptions.length === 0
      ? "the engine does not tell its protections"
      : "system calls are filtered (seccomp)",
    has("apparmor") || has("selinux") ? `${has("apparmor") ? "AppArmor" : "SELinux"} is on` : "no AppArmor or SELinux",
    has("rootless") || has("userns") ? users : null,
    ...holes,
    holes.length === 0 ? null : "upgrade the engine, unless its distribution has mended that already",
  );
}
