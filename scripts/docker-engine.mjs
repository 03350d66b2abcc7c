// What the set-up needs to know of the Docker engine, over its HTTP API, since nothing is installed yet when it asks.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { request as requestHttp } from "node:http";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * @typedef {{ host: string, chosenBy: string | null }} Endpoint where the engine is, and who said so: null for Docker's
 *   own default
 * @typedef {{ status: number, body: string } | { error: string }} Answer
 */

/** The answer for a host that is reached neither by a socket nor over TCP, such as `ssh://`. */
export const unusableHost = "unusable host";

/**
 * Finds the engine as the `docker` command does: DOCKER_HOST, then the chosen context, then the default socket.
 *
 * @param {{ env?: Record<string, string | undefined> }} [options]
 * @returns {Endpoint}
 */
export function findEndpoint({ env = process.env } = {}) {
  if (env.DOCKER_HOST) return { host: env.DOCKER_HOST, chosenBy: "DOCKER_HOST" };
  const folder = env.DOCKER_CONFIG ?? join(homedir(), ".docker");
  const context = env.DOCKER_CONTEXT ?? readJson(join(folder, "config.json"))?.currentContext ?? "default";
  if (context !== "default") {
    const digest = createHash("sha256").update(context).digest("hex");
    const host = readJson(join(folder, "contexts", "meta", digest, "meta.json"))?.Endpoints?.docker?.Host;
    if (typeof host === "string") return { host, chosenBy: `the Docker context "${context}"` };
  }
  return { host: "unix:///var/run/docker.sock", chosenBy: null };
}

/**
 * Asks the engine one question. Resolves with its answer, or with the code of what was in the way.
 *
 * @param {string} path
 * @param {Endpoint} endpoint
 * @returns {Promise<Answer>}
 */
export async function askEngine(path, { host }) {
  const options = await toRequestOptions(host);
  if (options === null) return { error: unusableHost };
  return new Promise((resolve) => {
    const sent = options.request({ ...options.target, path, timeout: 5_000 }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on("timeout", () => sent.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })));
    sent.on("error", (/** @type {NodeJS.ErrnoException} */ error) => resolve({ error: error.code ?? error.message }));
    sent.end();
  });
}

/** @param {string} host */
async function toRequestOptions(host) {
  if (host.startsWith("unix://")) return { request: requestHttp, target: { socketPath: host.slice("unix://".length) } };
  if (!/^(tcp|https?):\/\//.test(host)) return null;
  const { hostname, port, protocol } = new URL(host.replace(/^tcp:/, "http:"));
  const folder = process.env.DOCKER_CERT_PATH ?? join(homedir(), ".docker");
  if (protocol !== "https:" && !process.env.DOCKER_TLS_VERIFY) {
    return { request: requestHttp, target: { host: hostname, port: port || 2375 } };
  }
  const { request } = await import("node:https");
  const [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map((name) => readFileSync(join(folder, name)));
  return { request, target: { host: hostname, port: port || 2376, ca, cert, key } };
}

function readJson(/** @type {string} */ path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}
