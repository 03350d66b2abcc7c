import { spawn } from "node:child_process";
import { existsSync, openSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { askEngine } from "./docker-engine.mjs";
import { reportStep, say } from "./report-step.mjs";
import { findProgram, runProgram } from "./run-program.mjs";
import { SetUpError } from "./set-up-error.mjs";

const logPath = "/var/log/dockerd.log";
const startLimitMs = 60_000;
const systemContainerd = "/run/containerd/containerd.sock";

/** Starts the Docker engine that is installed here, and waits until it answers. Rejects with the end of its log. */
export async function startEngine(/** @type {import("./docker-engine.mjs").Endpoint} */ endpoint) {
  await reportStep(
    async () => {
      if (await answers(endpoint)) return; // Installing it may have started it.
      if (existsSync("/run/systemd/system")) return startByService(endpoint);
      await startByHand(endpoint);
    },
    { begin: "starting the Docker engine", end: "Docker engine answers" },
  );
}

/** @param {import("./docker-engine.mjs").Endpoint} endpoint */
async function startByService(endpoint) {
  await runProgram(["systemctl", "start", "docker"]);
  if (await answersWithin(startLimitMs, { endpoint, isOver: () => false })) return;
  throw new SetUpError("The Docker service was started and does not answer; see `journalctl -u docker`.");
}

/** @param {import("./docker-engine.mjs").Endpoint} endpoint */
async function startByHand(endpoint) {
  await removeRemains();
  const log = openSync(logPath, "a", 0o640);
  const engine = spawn(findProgram("dockerd") ?? "dockerd", [], { detached: true, stdio: ["ignore", log, log] });
  let isOver = false;
  engine.on("error", () => (isOver = true)).on("exit", () => (isOver = true));
  engine.unref();
  say(`dockerd runs in the background: pid ${engine.pid}, log ${logPath}; stop it with \`kill ${engine.pid}\``);
  if (await answersWithin(startLimitMs, { endpoint, isOver: () => isOver })) return;
  const tail = readFileSync(logPath, "utf8").trim().split("\n").slice(-10).join("\n  ");
  throw new SetUpError(`The Docker engine could not be started. The end of ${logPath}:\n  ${tail}`);
}

/**
 * Removes what an engine that was killed with its machine left behind and a new one would take for a living process: pid
 * files whose number belongs to another program by now, and the socket of a containerd that is gone.
 */
async function removeRemains() {
  const pidFiles = { "/var/run/docker.pid": "dockerd", "/var/run/docker/containerd/containerd.pid": "containerd" };
  for (const [path, program] of Object.entries(pidFiles)) {
    if (existsSync(path) && readProgramOf(readFileSync(path, "utf8").trim()) !== program) rmSync(path);
  }
  if (existsSync(systemContainerd) && !(await isListening(systemContainerd))) rmSync(systemContainerd);
}

function readProgramOf(/** @type {string} */ pid) {
  try {
    return readFileSync(`/proc/${Number(pid)}/comm`, "utf8").trim();
  } catch {
    return null;
  }
}

/** @returns {Promise<boolean>} */
function isListening(/** @type {string} */ socketPath) {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

/**
 * Whether the engine answers before the time is up. Another set-up may be starting one at the same moment, so that ours
 * giving up is not the end yet: it is asked for 5 s more.
 *
 * @param {number} limitMs
 * @param {{ endpoint: import("./docker-engine.mjs").Endpoint, isOver: () => boolean }} options
 */
async function answersWithin(limitMs, { endpoint, isOver }) {
  let untilMs = performance.now() + limitMs;
  while (performance.now() < untilMs) {
    if (await answers(endpoint)) return true;
    if (isOver()) untilMs = Math.min(untilMs, performance.now() + 5_000);
    await sleep(100);
  }
  return false;
}

/** @param {import("./docker-engine.mjs").Endpoint} endpoint */
async function answers(endpoint) {
  const answer = await askEngine("/_ping", endpoint);
  return "status" in answer && answer.status === 200;
}
