import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startScriptedModel } from "../../src/demo/scripted-model.ts";
import { RunResult } from "../../src/run/result.ts";
import { startPostgres } from "../helpers/postgres.ts";
import { DONE } from "./world.ts";

const bin = join(import.meta.dirname, "..", "..", "bin", "codex-orchestrator.mjs");
const key = "sk-backup-canary";
let folder = "";
let repository = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "backup-"));
  repository = join(folder, "project");
  mkdirSync(repository);
  writeFileSync(join(repository, "hello.txt"), "hello\n");
  for (const args of [
    ["init", "-q", "-b", "main"],
    ["add", "-A"],
    ["-c", "user.name=Me", "-c", "user.email=me@example.com", "commit", "-q", "-m", "First"],
  ])
    execFileSync("git", ["-C", repository, ...args]);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function cli(args: string[], environment: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, LOG_LEVEL: "warn", RUN_MEMORY: "1g", ...environment },
  });
  const written = { out: "", err: "" };
  child.stdout.on("data", (chunk) => (written.out += chunk));
  child.stderr.on("data", (chunk) => (written.err += chunk));
  await once(child, "close");
  if (child.exitCode !== 0) throw new Error(`${args.join(" ")}: ${written.err}`);
  return written.out;
}

async function makeRun(place: Record<string, string>): Promise<RunResult> {
  await using model = await startScriptedModel(
    [
      { items: [{ kind: "shell", command: "echo more >> hello.txt" }] },
      { items: [{ kind: "say", text: `Said more.\n${DONE}` }] },
    ],
    { apiKey: key },
  );
  const environment = { OPENAI_API_KEY: key, OPENAI_BASE_URL: model.baseUrl, CODEX_MODEL: "gpt-5.5", ...place };
  return RunResult.parse(JSON.parse(await cli(["run", "Say more", "--repo", repository, "--json"], environment)));
}

/** What somebody sees of the run on a machine that has nothing but the restored copy. */
async function look(run: RunResult, place: Record<string, string>): Promise<Record<string, string>> {
  const id = run.run_id;
  return {
    list: await cli(["runs", "list"], place),
    show: await cli(["runs", "show", id, "--json"], place),
    diff: await cli(["runs", "diff", id], place),
    log: await cli(["runs", "log", id], place),
  };
}

/** What `sqlite3 orchestrator.db ".backup copy.db"` does, while another connection has it open. */
async function copyInUse(path: string, copy: string): Promise<void> {
  using inUse = new DatabaseSync(path);
  await backup(inUse, copy);
}

describe("a restored backup shows the old runs", () => {
  test("RUNS_PATH: the folder of a server that stands still, and the database of one that does not", async () => {
    const runs = join(folder, "runs");
    const run = await makeRun({ RUNS_PATH: runs });
    const before = await look(run, { RUNS_PATH: runs });
    const copied = join(folder, "copied");
    mkdirSync(join(copied, ".state"), { recursive: true, mode: 0o750 });
    await copyInUse(join(runs, ".state", "orchestrator.db"), join(copied, ".state", "orchestrator.db"));
    execFileSync("cp", ["-a", join(runs, run.run_id), copied]);

    const archive = join(folder, "runs.tgz");
    const leftOut = ["mirrors", "set-up", "work"].map((name) => `--exclude=./.state/${name}`);
    execFileSync("tar", ["-C", runs, ...leftOut, "-czf", archive, "."]);
    const restored = join(folder, "restored");
    mkdirSync(restored, { mode: 0o750 });
    execFileSync("tar", ["-C", restored, "-xzf", archive]);
    rmSync(runs, { recursive: true });

    expect(before["list"]).toContain(run.run_id);
    expect(before["diff"]).toContain("+more");
    expect(await look(run, { RUNS_PATH: restored })).toEqual(before);
    expect(await look(run, { RUNS_PATH: copied })).toEqual(before);
  });

  test("PostgreSQL, dumped and restored into an empty database, without any file of the old machine", async () => {
    await using postgres = await startPostgres();
    const DATABASE_URL = await postgres.createDatabase();
    const run = await makeRun({ DATABASE_URL, RUNS_PATH: join(folder, "runs") });
    const before = await look(run, { DATABASE_URL, RUNS_PATH: join(folder, "runs") });
    const dump = join(folder, "codex.dump");
    execFileSync("pg_dump", ["--format=custom", `--file=${dump}`, `--dbname=${DATABASE_URL}`]);
    rmSync(join(folder, "runs"), { recursive: true });

    const other = new URL(DATABASE_URL);
    other.pathname = "/restored";
    execFileSync("psql", [
      "--quiet",
      `--dbname=${DATABASE_URL}`,
      "--command=CREATE DATABASE restored TEMPLATE template0",
    ]);
    execFileSync("pg_restore", ["--exit-on-error", "--no-owner", `--dbname=${other.href}`, dump]);
    const after = await look(run, { DATABASE_URL: other.href, RUNS_PATH: join(folder, "empty") });
    expect(after).toEqual(before);
    expect(after["diff"]).toContain("+more");
  });
});
