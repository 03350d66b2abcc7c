import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createRunId, type RunId } from "../../src/run/id.ts";
import { openDatabase, type Database } from "../../src/store/database.ts";
import { createSharedFiles, type SharedFiles } from "../../src/store/shared-files.ts";
import { startPostgres, type PostgresServer } from "../helpers/postgres.ts";

const prefix = "codex-sessions";
const rollout = "2026/01/02/rollout-2026-01-02T03-04-05-a.jsonl";
const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

let postgres: PostgresServer;
let database: Database;
let files: SharedFiles;
let folder: string;
let source: string;
let target: string;
let runId: RunId;

beforeAll(async () => {
  postgres = await startPostgres();
  database = await openDatabase({ kind: "postgres", url: await postgres.createDatabase() });
  files = createSharedFiles(database);
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sessions-"));
  [source, target] = [join(folder, "source"), join(folder, "target")];
  mkdirSync(join(source, "2026/01/02"), { recursive: true });
  writeFileSync(join(source, rollout), '{"type":"session_meta"}\n');
  runId = createRunId();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const save = () => files.saveFolder(runId, { prefix, path: source });
const restore = (changes: Partial<Parameters<SharedFiles["restoreFolder"]>[1]> = {}) =>
  files.restoreFolder(runId, { prefix, path: target, owner, ...changes });
const listKept = async () => (await files.list(runId)).map(({ name }) => name);

test("a thread's files come back on another machine, readable by their owner alone", async () => {
  writeFileSync(join(source, "state.bin"), Buffer.from([0, 255, 10]), { mode: 0o777 });
  expect(await save()).toEqual({ kind: "saved", files: 2 });
  expect(await restore()).toBe(true);
  expect(readFileSync(join(target, rollout), "utf8")).toBe('{"type":"session_meta"}\n');
  expect([...readFileSync(join(target, "state.bin"))]).toEqual([0, 255, 10]);
  for (const [path, mode] of [
    [".", 0o700],
    ["2026/01", 0o700],
    [rollout, 0o600],
    ["state.bin", 0o600],
  ] as const)
    expect(statSync(join(target, path)).mode & 0o777).toBe(mode);
});

test.runIf(owner.uid === 0)("they belong to the user of the run's container", async () => {
  await save();
  await restore({ owner: { uid: 10001, gid: 10001 } });
  for (const path of [".", "2026", "2026/01/02", rollout])
    expect(statSync(join(target, path))).toMatchObject({ uid: 10001, gid: 10001 });
});

test("what is saved later takes the place of all that was kept, and of nothing else", async () => {
  await files.append(runId, { name: "codex-sessions.txt", path: join(source, rollout) });
  await save();
  rmSync(join(source, "2026"), { recursive: true });
  writeFileSync(join(source, "b.jsonl"), "b");
  await save();
  expect(await listKept()).toEqual(["codex-sessions.txt", `${prefix}/b.jsonl`]);
  mkdirSync(target);
  writeFileSync(join(target, "old"), "old");
  await restore();
  expect(readdirSync(target)).toEqual(["b.jsonl"]);
});

test("nothing but regular files is taken: no link, whatever it points to, no pipe, no socket", async () => {
  const secret = join(folder, "secret");
  mkdirSync(secret);
  writeFileSync(join(secret, "key"), "a key of the host");
  symlinkSync(join(secret, "key"), join(source, "link.jsonl"));
  symlinkSync(secret, join(source, "linked-folder"));
  symlinkSync("..", join(source, "up"));
  execFileSync("mkfifo", [join(source, "pipe")]);
  const server = createServer().listen(join(source, "socket"));
  await once(server, "listening");
  expect(await save()).toEqual({ kind: "saved", files: 1 });
  server.close();
  expect(await listKept()).toEqual([`${prefix}/${rollout}`]);
});

test("a folder that is itself a link is refused", async () => {
  symlinkSync(source, join(folder, "link"));
  await expect(files.saveFolder(runId, { prefix, path: join(folder, "link") })).rejects.toThrow(/ENOTDIR|ELOOP/);
  expect(await listKept()).toEqual([]);
});

test("names that are no text are passed over, odd ones kept as they are", async () => {
  writeFileSync(Buffer.concat([Buffer.from(`${source}/`), Buffer.from([0x61, 0xff, 0x62])]), "bytes");
  const odd = ["a b", "-rf", "ü ✓", "back\\slash", "new\nline", "...", "%2e%2e"];
  for (const name of odd) writeFileSync(join(source, name), name);
  await save();
  await restore();
  for (const name of odd) expect(readFileSync(join(target, name), "utf8")).toBe(name);
  expect(readdirSync(target)).toHaveLength(odd.length + 1);
});

test("a folder that holds too much is refused with the reason, and what was kept before stays", async () => {
  await save();
  for (let file = 0; file < 256; file++) writeFileSync(join(source, `f${file}`), "");
  expect(await save()).toEqual({ kind: "refused", reason: "it holds more than 256 files" });
  for (let file = 0; file < 256; file++) rmSync(join(source, `f${file}`));

  writeFileSync(join(source, "big"), "");
  truncateSync(join(source, "big"), 64 * 1024 ** 2 + 1);
  expect(await save()).toMatchObject({ kind: "refused", reason: expect.stringContaining("larger than") });
  rmSync(join(source, "big"));

  mkdirSync(join(source, "a/b/c/d/e/f/g/h/i"), { recursive: true });
  expect(await save()).toEqual({ kind: "refused", reason: "it is more than 8 folders deep" });
  expect(await listKept()).toEqual([`${prefix}/${rollout}`]);
});

test("a folder that is not there is nothing, and nothing is restored where nothing is kept", async () => {
  expect(await files.saveFolder(runId, { prefix, path: join(folder, "none") })).toEqual({ kind: "absent" });
  expect(await restore()).toBe(false);
  expect(existsSync(target)).toBe(false);
});

test("a folder without rights for its owner is passed over or read, but is no failure", async () => {
  chmodSync(join(source, "2026"), 0o000);
  expect((await save()).kind).toBe("saved");
  chmodSync(join(source, "2026"), 0o700);
});

test.each(["../escape", "a/../../escape", "/etc/escape", "a//b", "./a", "a/"])(
  "a kept name that would lead out of the folder is refused: %s",
  async (name) => {
    await save();
    await sql`UPDATE run_files SET name = ${`${prefix}/${name}`} WHERE run_id = ${runId}`.execute(database.kysely);
    await expect(restore()).rejects.toThrow("is no name for a file");
    expect(existsSync(target)).toBe(false);
    expect(existsSync(join(folder, "escape"))).toBe(false);
  },
);
