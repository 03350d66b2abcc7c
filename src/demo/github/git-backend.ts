import { spawn } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { isAtLeast, readToken, roleOf, isVisible, type Caller, type TokenBook } from "./identity.ts";
import { readPushCommands, toRefusalBody, type PushCommands } from "./pkt-line.ts";
import { checkWorkflowFiles, type PushFaultList } from "./push-rules.ts";
import { GIT_ENVIRONMENT } from "./run-git.ts";
import type { RepositorySeed } from "./seeds.ts";

/** One git request as it was seen. */
export type GitRequest = {
  method: string;
  path: string;
  caller: Caller["kind"];
  status: number;
  updates: PushCommands["updates"];
};

export type GitBackendOptions = {
  rootPath: string;
  repositories: RepositorySeed[];
  tokens: TokenBook;
  faults: PushFaultList;
  /** Waits this long before a push is taken, in milliseconds; may change at any time. */
  pushDelayMs: () => number;
  /** Runs after the credentials were checked and before git sees the push: the moment for a race. */
  beforePush: () => ((commands: PushCommands) => Promise<void>) | null;
  onRequest: (request: GitRequest) => void;
};

const SERVICES = new Set(["info/refs", "git-upload-pack", "git-receive-pack"]);

/** Serves `/<owner>/<repo>.git/…` through the real `git http-backend`. False when the path is none of git's. */
export async function serveGit(
  exchange: { request: IncomingMessage; response: ServerResponse; body: Buffer },
  options: GitBackendOptions,
): Promise<boolean> {
  const { request, response, body } = exchange;
  const url = new URL(request.url ?? "/", "http://stand-in");
  const [, name = "", service = ""] =
    /^\/([^/]+\/[^/]+?)(?:\.git)?\/(info\/refs|git-[a-z]+-pack)$/.exec(url.pathname) ?? [];
  if (!SERVICES.has(service)) return false;
  const isPush = service === "git-receive-pack" || url.searchParams.get("service") === "git-receive-pack";
  const token = readToken(request.headers.authorization);
  const caller: Caller | null = token === null ? { kind: "anonymous" } : options.tokens.find(token);
  const repository = options.repositories.find((one) => one.name.toLowerCase() === name.toLowerCase());
  const refusal = refuseAccess(caller, { repository, isPush });
  const commands =
    service === "git-receive-pack" ? readPushCommands(body) : { updates: [], capabilities: [], packAt: 0 };
  const seen = {
    method: request.method ?? "",
    path: url.pathname + url.search,
    caller: caller?.kind ?? "anonymous",
    updates: commands.updates,
  };
  if (refusal !== null || repository === undefined) {
    const { status, text } = refusal ?? { status: 404, text: "Repository not found." };
    options.onRequest({ ...seen, status });
    response.writeHead(status, {
      "content-type": "text/plain",
      ...(status === 401 ? { "www-authenticate": 'Basic realm="GitHub"' } : {}),
    });
    response.end(text);
    return true;
  }
  if (commands.updates.length > 0) {
    if (options.pushDelayMs() > 0) await sleep(options.pushDelayMs());
    await options.beforePush()?.(commands);
    const gitDir = `${options.rootPath}/${repository.name}.git`;
    const refused =
      options.faults.take(commands) ??
      (caller?.kind === "installation" ? await checkWorkflowFiles(gitDir, { body, commands }) : null);
    if (refused !== null) {
      options.onRequest({ ...seen, status: 200 });
      response.writeHead(200, { "content-type": "application/x-git-receive-pack-result", "cache-control": "no-cache" });
      response.end(toRefusalBody(commands, refused));
      return true;
    }
  }
  options.onRequest({ ...seen, status: 200 });
  await runBackend(exchange, {
    rootPath: options.rootPath,
    path: `/${repository.name}.git/${service}`,
    query: url.search.slice(1),
  });
  return true;
}

/** GitHub's answers: unknown credentials 401, what may not be seen 404, what may not be written 403. */
function refuseAccess(
  caller: Caller | null,
  wanted: { repository: RepositorySeed | undefined; isPush: boolean },
): { status: number; text: string } | null {
  if (caller === null)
    return {
      status: 401,
      text: "Invalid username or token. Password authentication is not supported for Git operations.",
    };
  const { repository, isPush } = wanted;
  if (repository === undefined || !isVisible(repository, caller)) {
    return caller.kind === "anonymous" ? { status: 401, text: "" } : { status: 404, text: "Repository not found." };
  }
  switch (caller.kind) {
    case "anonymous":
      return isPush ? { status: 401, text: "" } : null;
    case "app":
      return { status: 403, text: "Write access to repository not granted." };
    case "person": {
      const isWriter = isAtLeast(roleOf(caller.login, repository), "write");
      return !isPush || isWriter
        ? null
        : { status: 403, text: `Permission to ${repository.name}.git denied to ${caller.login}.` };
    }
    case "installation": {
      const level = caller.permissions["contents"];
      const isCovered = caller.repositories.includes(repository.name);
      if (isPush)
        return isCovered && level === "write" ? null : { status: 403, text: "Write access to repository not granted." };
      return repository.visibility === "public" || level !== undefined
        ? null
        : { status: 404, text: "Repository not found." };
    }
  }
}

/** One call of the CGI program: environment and standard input in, headers and body out. */
async function runBackend(
  { request, response, body }: { request: IncomingMessage; response: ServerResponse; body: Buffer },
  { rootPath, path, query }: { rootPath: string; path: string; query: string },
): Promise<void> {
  const child = spawn("git", ["http-backend"], {
    env: {
      ...GIT_ENVIRONMENT,
      GIT_PROJECT_ROOT: rootPath,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_HTTP_MAX_REQUEST_BUFFER: "200M",
      REMOTE_USER: "somebody",
      REMOTE_ADDR: "127.0.0.1",
      REQUEST_METHOD: request.method ?? "GET",
      PATH_INFO: path,
      QUERY_STRING: query,
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      CONTENT_LENGTH: String(body.length),
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.once("error", reject);
  child.once("close", () => resolve());
  child.stdin.on("error", () => undefined); // git may answer before it has read all
  child.stdin.end(body);
  let head = Buffer.alloc(0);
  child.stdout.on("data", (chunk: Buffer) => {
    if (response.headersSent) return void response.write(chunk);
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    const headers = head
      .toString("latin1", 0, end)
      .split("\r\n")
      .map((line) => line.split(/: */, 2));
    const status = headers.find(([name]) => name?.toLowerCase() === "status")?.[1] ?? "200";
    response.writeHead(
      Number.parseInt(status, 10),
      Object.fromEntries(headers.filter(([name]) => name?.toLowerCase() !== "status")),
    );
    response.write(head.subarray(end + 4));
  });
  await promise;
  if (!response.headersSent) response.writeHead(500);
  response.end();
}
