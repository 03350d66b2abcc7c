import { existsSync } from "node:fs";
import { findChromium } from "./chromium.mjs";
import { canInstallPackages, installPackages, isDebianLike } from "./debian.mjs";
import { askEngine, findEndpoint, unusableHost } from "./docker-engine.mjs";
import { hasPostgres, keepFromMakingCluster } from "./postgres.mjs";
import { findProgram } from "./run-program.mjs";
import { SetUpError } from "./set-up-error.mjs";
import { startEngine } from "./start-engine.mjs";

/**
 * Sees to it that git is there and, where they are needed, a Docker engine answers and PostgreSQL's programs and Chromium
 * are there; on Debian and alike, as root, installs the distribution's own and starts its engine. Never starts another engine than the
 * one that the user chose (DOCKER_HOST, a context), and never a PostgreSQL of the system.
 *
 * Rejects with exactly what to do when it can't.
 *
 * @param {{ needs: import("./set-up.mjs").Need[] }} options
 */
export async function prepareMachine({ needs }) {
  const endpoint = findEndpoint();
  const answer = needs.includes("engine") ? await askEngine("/_ping", endpoint) : null;
  const isEngineMissing = answer !== null && !("status" in answer && answer.status === 200);
  if (isEngineMissing) refuseWhatCannotBeMended(endpoint, { answer });

  const packages = listMissingPackages({ needs, isEngineMissing });
  if (packages.length > 0 && !canInstallPackages()) {
    throw new SetUpError(`${packages.join(", ")} missing. ${toInstallAdvice(packages)}`);
  }
  if (packages.includes("postgresql")) keepFromMakingCluster();
  if (packages.length > 0) await installPackages([...packages, "ca-certificates"]);
  if (isEngineMissing) await startEngine(endpoint);
}

/** @param {{ needs: import("./set-up.mjs").Need[], isEngineMissing: boolean }} options */
function listMissingPackages({ needs, isEngineMissing }) {
  const packages = [];
  if (findProgram("git") === null) packages.push("git");
  if (isEngineMissing && findProgram("dockerd") === null) packages.push("docker.io");
  // The runner image's base is made with it where no container registry can be reached.
  if (needs.includes("engine") && canInstallPackages() && findProgram("debootstrap") === null) {
    packages.push("debootstrap");
  }
  if (needs.includes("postgres") && !hasPostgres()) packages.push("postgresql");
  if (needs.includes("browser") && findChromium() === null) packages.push("chromium");
  if (needs.includes("busybox") && findProgram("busybox") === null) packages.push("busybox-static");
  if (needs.includes("systemd") && findProgram("systemd-analyze") === null) packages.push("systemd");
  return packages;
}

/**
 * @param {import("./docker-engine.mjs").Endpoint} endpoint
 * @param {{ answer: import("./docker-engine.mjs").Answer }} options
 */
function refuseWhatCannotBeMended({ host, chosenBy }, { answer }) {
  const reason = "error" in answer ? answer.error : `HTTP status ${answer.status}`;
  if (reason === unusableHost) {
    throw new SetUpError(
      `${chosenBy} names ${host}, which can't be used: a run mounts folders and a socket of this machine, so the engine ` +
        "must be on it too (unix:///path or tcp://host:port). Choose another one, then repeat the command.",
    );
  }
  if (chosenBy !== null) {
    throw new SetUpError(
      `No Docker engine answers at ${host} (${reason}), which ${chosenBy} names. Start that engine, or choose another ` +
        `one (\`unset DOCKER_HOST\`, \`docker context use default\`), then repeat the command.`,
    );
  }
  if (reason === "EACCES") {
    throw new SetUpError(
      `This user may not use the Docker engine (${host}: permission denied). Run \`sudo usermod -aG docker "$USER"\`, log ` +
        "in again, then repeat the command.",
    );
  }
  if (process.platform !== "linux") {
    throw new SetUpError(
      "No Docker engine answers. Runs need Linux with its own Docker engine, since a run's only way out is a Unix socket " +
        "of the host: use a Linux virtual machine (WSL 2 on Windows, Lima or Colima on macOS) and repeat the command there.",
    );
  }
  if (!canInstallPackages())
    throw new SetUpError(`No Docker engine answers at ${host} (${reason}). ${toEngineAdvice()}`);
}

function toEngineAdvice() {
  const start = existsSync("/run/systemd/system") ? "sudo systemctl start docker" : "sudo dockerd &";
  if (findProgram("dockerd") !== null) return `It is installed: start it with \`${start}\`, then repeat the command.`;
  if (!isDebianLike()) {
    return "Install one (https://docs.docker.com/engine/install/), start it, then repeat the command.";
  }
  return (
    `Run \`sudo apt-get update && sudo apt-get install -y docker.io debootstrap && ${start}\` and ` +
    '`sudo usermod -aG docker "$USER"`, log in again, then repeat the command.'
  );
}

/** @param {string[]} packages */
function toInstallAdvice(packages) {
  const names = packages.join(" ");
  if (isDebianLike())
    return `Run \`sudo apt-get update && sudo apt-get install -y ${names}\`, then repeat the command.`;
  return `Install ${names} with your system's package manager, then repeat the command.`;
}
