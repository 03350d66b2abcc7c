import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { compose, type Composition } from "../../src/compose.ts";
import { readConfig } from "../../src/config.ts";
import { openPagesRoute } from "../../src/compose/pages-route.ts";
import type { RunId } from "../../src/run/id.ts";
import { NO_ACTIVITY, type RunProgress } from "../../src/run/progress.ts";
import type { RunRequest } from "../../src/run/request.ts";
import type { RunResult } from "../../src/run/result.ts";
import { createClaimStore } from "../../src/store/claims.ts";
import { openDatabase, type Database, type DatabasePlace } from "../../src/store/database.ts";
import { readProcessIdentity } from "../../src/store/process-identity.ts";
import { toRunFile, type RunFile } from "../../src/store/run-files.ts";
import type { RunWriter } from "../../src/store/run-writer.ts";
import { startWebServer } from "../../src/web/server.ts";
import { createNumberedRequest, type RequestChanges } from "../store/lab.ts";
import { createResult } from "../helpers/results.ts";

export const TOKEN = "dashboard-0123456789abcdef";
export const PUBLIC_URL = "https://codex.example.com";

/** The product's own pages on a free port, with the runs that a test puts on record; nothing executes them. */
export type PagesWorld = AsyncDisposable & {
  url: string;
  product: Composition;
  database: Database;
  /** Asks as a browser does, or otherwise with other headers; follows no redirect. */
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** Sends a form. */
  post(path: string, options: { form: Record<string, string>; headers?: Record<string, string> }): Promise<Response>;
  /** Signs in; resolves with the cookie as a browser sends it. */
  signIn(): Promise<Record<string, string>>;
  /** The path that a link from a comment leads to. */
  toLink(runId: RunId): string;
  addRun(changes?: RequestChanges): Promise<RunRequest>;
  /** Takes a run, as a process does that executes it. */
  begin(request: RunRequest, progress?: Partial<RunProgress>): Promise<RunWriter>;
  /** Puts a run on record that is over. */
  addResult(result?: Partial<RunResult>, changes?: RequestChanges): Promise<RunRequest>;
  write(runId: RunId, files: Partial<Record<RunFile, string>>): void;
  append(runId: RunId, text: string): void;
};

const BROWSER = { accept: "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8" };

/** Opens it with this environment besides what it needs. */
export async function openPagesWorld(environment: Record<string, string> = {}): Promise<PagesWorld> {
  await using opened = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "pages-"));
  opened.defer(() => rmSync(folder, { recursive: true, force: true }));
  const runs = join(folder, "runs");
  mkdirSync(runs);
  chmodSync(runs, 0o750);
  const variables = { OPENAI_API_KEY: "sk-test-0123456789", DASHBOARD_TOKEN: TOKEN, PUBLIC_URL, LOG_LEVEL: "silent" };
  const config = readConfig({ environment: { ...variables, RUNS_PATH: runs, PORT: "0", ...environment }, folder });
  const product = opened.use(await compose({ config, role: "look", createReporter: () => null }));
  const pages = openPagesRoute(product);
  const failures: unknown[] = [];
  const routes = pages === null ? [] : [pages.route];
  const web = opened.use(
    await startWebServer({ host: "127.0.0.1", port: 0, routes, onError: (error) => failures.push(error) }),
  );
  // First of all: what is still being sent would keep the server.
  if (pages !== null) opened.use(pages);
  opened.defer(() => {
    if (failures.length > 0) throw new AggregateError(failures, "requests failed inside the server");
  });
  const where: DatabasePlace =
    config.databaseUrl === null
      ? { kind: "sqlite", path: product.paths.database }
      : { kind: "postgres", url: config.databaseUrl };
  const database = opened.use(await openDatabase(where));
  const claims = createClaimStore(database, { process: readProcessIdentity() });
  const url = `http://127.0.0.1:${web.port}`;
  const owned = opened.move();

  const get: PagesWorld["get"] = (path, headers = {}) =>
    fetch(`${url}${path}`, { headers: { ...BROWSER, ...headers }, redirect: "manual" });
  const post: PagesWorld["post"] = (path, { form, headers = {} }) =>
    fetch(`${url}${path}`, {
      ...{ method: "POST", headers: { ...BROWSER, ...headers }, redirect: "manual" },
      body: new URLSearchParams(form),
    });
  let number = 0;
  const addRun: PagesWorld["addRun"] = async (changes = {}) => {
    const request = createNumberedRequest(++number, changes);
    await product.store.add(request, { deliveryId: null, home: null, maxQueued: 1000 });
    return request;
  };
  const begin: PagesWorld["begin"] = async (request, progress = {}) => {
    const claim = await claims.claim(request.run_id);
    if (claim === null) throw new Error("the run cannot be taken");
    const now = { state: "running", queuePosition: null, elapsedS: 1, activity: NO_ACTIVITY, ...progress } as const;
    await claim.writer.setProgress(now, null);
    return claim.writer;
  };
  return {
    ...{ url, product, database, get, post, addRun, begin },
    signIn: async () => {
      const response = await post("/runs/sign-in", { form: { token: TOKEN, next: "/runs" } });
      return { cookie: response.headers.getSetCookie()[0]?.split(";")[0] ?? "" };
    },
    toLink: (runId) => (product.links?.toUrl(runId) ?? "").slice(PUBLIC_URL.length),
    addResult: async (result = {}, changes = {}) => {
      const request = await addRun(changes);
      await (await begin(request)).finish(createResult(request, result));
      return request;
    },
    write: (runId, files) => {
      for (const [file, text] of Object.entries(files)) {
        const path = toRunFile(product.paths, { runId, file: file as RunFile });
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, text);
      }
    },
    append: (runId, text) => appendFileSync(toRunFile(product.paths, { runId, file: "log" }), text),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
