import { resolve } from "node:path";
import { ConfigError } from "../config/config-error.ts";
import { readConfig, type Config } from "../config.ts";
import { runDemo } from "../demo/demo.ts";
import { startServer } from "./serve.ts";
import type { Terminal } from "../trigger/cli/product.ts";

/** `demo`: the whole job against the built-in stand-ins. Resolves with 0 when a pull request came out of it. */
export async function runDemoCommand({ live, terminal }: { live: boolean; terminal: Terminal }): Promise<number> {
  const config = readConfig();
  return runDemo({
    startServer: (environment) => startServer(readConfig({ environment, folder: environment["RUNS_PATH"] ?? "/" })),
    live: live ? toLiveModel(config) : null,
    write: (line) => void terminal.out.write(`${line}\n`),
    folderPath: resolve(config.paths.runs, "demo"),
    style: "isTTY" in terminal.out && terminal.out.isTTY === true ? "colour" : "plain",
    environment: toEngineEnvironment(config),
  });
}

function toLiveModel({ model }: Config): { apiKey: string; baseUrl: string } {
  if (model.apiKey === null)
    throw new ConfigError([{ variable: "OPENAI_API_KEY", problem: "is not set: `demo --live` asks the real model" }]);
  return { apiKey: model.apiKey, baseUrl: model.baseUrl };
}

/** What of this machine's own settings the demo's server needs: the image, and where the engine is. */
function toEngineEnvironment({ image, docker, logLevel }: Config): Record<string, string> {
  const { dockerHost, dockerContext, dockerConfigPath, dockerCertPath, dockerTlsVerify } = docker;
  const all = {
    CODEX_IMAGE: image,
    DOCKER_HOST: dockerHost,
    DOCKER_CONTEXT: dockerContext,
    DOCKER_CONFIG: dockerConfigPath,
    DOCKER_CERT_PATH: dockerCertPath,
    DOCKER_TLS_VERIFY: dockerTlsVerify,
    LOG_LEVEL: logLevel === "info" ? "warn" : logLevel,
  };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
