import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RepositorySeed } from "../src/demo/github/seeds.ts";
import { startGitHubStandIn, type GitHubStandIn } from "../src/demo/github/stand-in.ts";
import { startScriptedModel, type ScriptSource } from "../src/demo/scripted-model.ts";
import { startPostgres } from "../test/helpers/postgres.ts";
import { image, MODEL } from "./world.ts";

/** What processes of the product need around them. */
export type StandIns = AsyncDisposable & {
  /** Holds everything of this measurement. */
  folder: string;
  runsPath: string;
  github: GitHubStandIn;
  /** The whole environment of a process, but PATH and HOME. */
  environment: Record<string, string>;
  /** Keeps the folder when all else is disposed of, for somebody to look at. */
  keepFolder(): void;
};

export type OpenStandInsOptions = {
  script: ScriptSource;
  database: "sqlite" | "postgres";
  repositories?: RepositorySeed[];
  environment?: Record<string, string>;
};

/** Starts GitHub, the model and, if it is wanted, PostgreSQL. */
export async function openStandIns(options: OpenStandInsOptions): Promise<StandIns> {
  const { script, database, repositories, environment = {} } = options;
  await using disposables = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "bench-"));
  let isKept = false;
  disposables.defer(() => (isKept ? undefined : rmSync(folder, { recursive: true, force: true })));
  const runsPath = join(folder, "runs");
  mkdirSync(runsPath, { mode: 0o750 });
  const apiKey = `sk-bench-${randomBytes(16).toString("hex")}`;
  const github = disposables.use(await startGitHubStandIn(repositories === undefined ? {} : { repositories }));
  const model = disposables.use(await startScriptedModel(script, { apiKey }));
  const postgres = database === "postgres" ? disposables.use(await startPostgres()) : null;
  const dockerHost = process.env["DOCKER_HOST"];
  const variables = {
    OPENAI_API_KEY: apiKey,
    OPENAI_BASE_URL: model.baseUrl,
    CODEX_MODEL: MODEL,
    CODEX_IMAGE: image,
    RUNS_PATH: runsPath,
    RUN_MEMORY: "1g",
    PORT: "0",
    APP_ID: String(github.app.id),
    PRIVATE_KEY: github.app.privateKey,
    WEBHOOK_SECRET: github.app.webhookSecret,
    GHE_HOST: github.host,
    GHE_PROTOCOL: "http",
    ...(postgres === null ? {} : { DATABASE_URL: await postgres.createDatabase() }),
    ...(dockerHost === undefined ? {} : { DOCKER_HOST: dockerHost }),
    ...environment,
  };
  const owned = disposables.move();
  return {
    ...{ folder, runsPath, github, environment: variables },
    keepFolder: () => (isKept = true),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
