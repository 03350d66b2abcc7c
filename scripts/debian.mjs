import { readFileSync } from "node:fs";
import { reportStep } from "./report-step.mjs";
import { findProgram, runProgram } from "./run-program.mjs";

/** Whether this machine's own packages can be installed without asking anybody: Debian or alike, and root. */
export function canInstallPackages() {
  return process.getuid?.() === 0 && isDebianLike() && findProgram("apt-get") !== null;
}

/** Whether this is Debian, Ubuntu or something that calls itself like them. */
export function isDebianLike() {
  try {
    return /^(ID|ID_LIKE)=.*\b(debian|ubuntu)\b/m.test(readFileSync("/etc/os-release", "utf8"));
  } catch {
    return false;
  }
}

/**
 * Installs packages of the distribution, without their recommendations. Waits for another installation to finish.
 *
 * @param {string[]} packages
 */
export async function installPackages(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const wait = ["-o", "DPkg::Lock::Timeout=300", "-o", "APT::Update::Lock::Timeout=300"];
  await reportStep(
    async () => {
      await runProgram(["apt-get", ...wait, "update", "-qq"], { env });
      await runProgram(["apt-get", ...wait, "install", "-y", "-qq", "--no-install-recommends", ...packages], { env });
    },
    { begin: `installing ${packages.join(", ")} (apt-get)`, end: `${packages.join(", ")} installed` },
  );
}
