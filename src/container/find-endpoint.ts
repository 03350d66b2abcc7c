import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { RunError } from "../run/failure.ts";

export type TlsFiles = { ca: Buffer; cert: Buffer; key: Buffer };

/** How an engine is reached. */
export type EngineEndpoint =
  { kind: "socket"; socketPath: string } | { kind: "tcp"; host: string; port: number; tls: TlsFiles | null };

export type FindEndpointOptions = {
  /** `DOCKER_HOST`: wins over everything else. */
  dockerHost?: string | undefined;
  /** `DOCKER_CONTEXT`: name of a context of the `docker` command. */
  dockerContext?: string | undefined;
  /** `DOCKER_CONFIG`: folder of the `docker` command's settings, usually `~/.docker`. */
  dockerConfigPath: string;
  /** `DOCKER_CERT_PATH`: folder with `ca.pem`, `cert.pem` and `key.pem`, for `tcp://` with TLS. */
  dockerCertPath?: string | undefined;
  /** `DOCKER_TLS_VERIFY`: any value but the empty one switches TLS on. */
  dockerTlsVerify?: string | undefined;
};

const DEFAULT_SOCKET_PATH = "/var/run/docker.sock";
const CliConfig = z.object({ currentContext: z.string().optional() });
const ContextMeta = z.object({ Endpoints: z.object({ docker: z.object({ Host: z.string() }) }) });

/**
 * Finds the engine as the `docker` command does: DOCKER_HOST, then the named or current context, then the usual socket.
 *
 * Rejects with `docker-unavailable` when the settings name an engine that cannot be used from here.
 */
export function findEndpoint(options: FindEndpointOptions): EngineEndpoint {
  if (options.dockerHost) {
    const useTls = Boolean(options.dockerTlsVerify);
    return toEndpoint(options.dockerHost, {
      tlsPath: useTls ? (options.dockerCertPath ?? options.dockerConfigPath) : null,
    });
  }
  const context = options.dockerContext || readCurrentContext(options.dockerConfigPath);
  if (context && context !== "default") return readContext(context, options);

  const desktopSocketPath = join(options.dockerConfigPath, "run", "docker.sock");
  const isDesktopOnly = !existsSync(DEFAULT_SOCKET_PATH) && existsSync(desktopSocketPath);
  return { kind: "socket", socketPath: isDesktopOnly ? desktopSocketPath : DEFAULT_SOCKET_PATH };
}

function toEndpoint(address: string, { tlsPath }: { tlsPath: string | null }): EngineEndpoint {
  if (address.startsWith("unix://")) {
    return { kind: "socket", socketPath: address.slice("unix://".length) || DEFAULT_SOCKET_PATH };
  }
  if (!URL.canParse(address) || !/^(tcp|https?):/.test(address)) {
    throw new RunError("docker-unavailable", `The Docker engine's address ${address} cannot be used.`, {
      hint: "Set DOCKER_HOST to unix:///path or tcp://host:port; a run's folders must be on the engine's own machine.",
    });
  }
  const url = new URL(address.replace(/^tcp:/, "http:"));
  const tls = tlsPath === null ? null : readTls(tlsPath);
  return { kind: "tcp", host: url.hostname, port: Number(url.port) || (tls ? 2376 : 2375), tls };
}

function readCurrentContext(configPath: string): string | null {
  const path = join(configPath, "config.json");
  if (!existsSync(path)) return null;
  return readJson(path, CliConfig).currentContext ?? null;
}

/** A context's folder is named after the hash of its name. */
function readContext(name: string, { dockerConfigPath }: FindEndpointOptions): EngineEndpoint {
  const folder = createHash("sha256").update(name).digest("hex");
  const metaPath = join(dockerConfigPath, "contexts", "meta", folder, "meta.json");
  if (!existsSync(metaPath)) {
    throw new RunError("docker-unavailable", `The Docker context ${name} does not exist.`, {
      hint: "Choose another with `docker context use`, or set DOCKER_HOST.",
    });
  }
  const tlsPath = join(dockerConfigPath, "contexts", "tls", folder, "docker");
  const address = readJson(metaPath, ContextMeta).Endpoints.docker.Host;
  return toEndpoint(address, { tlsPath: existsSync(tlsPath) ? tlsPath : null });
}

function readTls(folder: string): TlsFiles {
  const read = (name: string) => readFileSync(join(folder, name));
  try {
    return { ca: read("ca.pem"), cert: read("cert.pem"), key: read("key.pem") };
  } catch (cause) {
    throw new RunError("docker-unavailable", `The engine's certificates could not be read from ${folder}.`, { cause });
  }
}

function readJson<T>(path: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new RunError("docker-unavailable", `The Docker settings in ${path} could not be read.`, { cause });
  }
}
