import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";

/** A git server of somebody else: real git behind https, with the certificate of an authority of its own. */
export type HttpsGit = AsyncDisposable & {
  /** The repository's address. */
  url: string;
  /** A value for PATH with which git trusts that authority, as it does on a machine where it was installed. */
  path: string;
  /** One line per request: its method and path. */
  requests: string[];
  /** One git command in the bare repository. */
  git(...args: string[]): string;
};

/** Starts one below the folder, with one repository of one file. */
export async function startHttpsGit(folder: string): Promise<HttpsGit> {
  const bare = join(folder, "served", "project.git");
  mkdirSync(bare, { recursive: true });
  const git = (...args: string[]): string =>
    execFileSync("git", ["-C", bare, ...args], { stdio: ["ignore", "pipe", "pipe"] }).toString();
  git("init", "-q", "--bare", "-b", "main");
  const stream = "commit refs/heads/main\ncommitter Me <me@example.com> 1700000000 +0000\ndata 5\nFirst\n";
  execFileSync("git", ["-C", bare, "fast-import", "--quiet"], {
    input: `${stream}M 100644 inline hello.txt\ndata 6\nhello\n\n`,
  });
  const { key, certificate } = makeCertificate(folder);
  const requests: string[] = [];
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    void answer({ request, response }, join(folder, "served"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `https://localhost:${address.port}/project`,
    path: `${makeTrustingGit(folder, certificate)}:${process.env["PATH"] ?? ""}`,
    requests,
    git,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function makeCertificate(folder: string): { key: string; certificate: string } {
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", certificate, ...names],
    { stdio: "ignore" },
  );
  return { key, certificate };
}

/** A folder with a `git` that is the real one, on a machine whose authorities include this one. */
function makeTrustingGit(folder: string, certificate: string): string {
  const real = execFileSync("sh", ["-c", "command -v git"]).toString().trim();
  const bin = join(folder, "trusting-git");
  mkdirSync(bin);
  writeFileSync(join(bin, "git"), `#!/bin/sh\nGIT_SSL_CAINFO='${certificate}' exec '${real}' "$@"\n`);
  chmodSync(join(bin, "git"), 0o755);
  return bin;
}

/** One request through `git http-backend`. */
async function answer(
  { request, response }: { request: IncomingMessage; response: ServerResponse },
  root: string,
): Promise<void> {
  const url = new URL(request.url ?? "/", "https://localhost");
  const child = spawn("git", ["http-backend"], {
    env: {
      ...{ PATH: process.env["PATH"] ?? "", GIT_CONFIG_NOSYSTEM: "1", HOME: "/nonexistent", GIT_HTTP_EXPORT_ALL: "1" },
      ...{ GIT_PROJECT_ROOT: root, PATH_INFO: url.pathname.replace(/^\/project(\.git)?\//, "/project.git/") },
      ...{ REQUEST_METHOD: request.method ?? "", QUERY_STRING: url.search.slice(1), REMOTE_USER: "somebody" },
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  child.stdin.on("error", () => undefined);
  request.pipe(child.stdin);
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(child, "close");
  const out = Buffer.concat(chunks);
  const end = out.indexOf("\r\n\r\n");
  const headers = out.toString("latin1", 0, Math.max(0, end)).split("\r\n");
  const pairs = headers.filter(Boolean).map((line) => line.split(/: */, 2));
  const status = Number.parseInt(pairs.find(([name]) => name === "Status")?.[1] ?? "200", 10);
  response.writeHead(end < 0 ? 500 : status, Object.fromEntries(pairs.filter(([name]) => name !== "Status")));
  response.end(out.subarray(end + 4));
}
