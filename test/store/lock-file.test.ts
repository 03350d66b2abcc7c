import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { lockFile } from "../../src/store/lock-file.ts";

async function makePath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "lock-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "thing.lock");
}

test("one at a time has the lock, each in turn", async () => {
  const path = await makePath();
  let inside = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      using _lock = await lockFile(path, { waitMs: 10_000 });
      inside += 1;
      most = Math.max(most, inside);
      await sleep(15);
      inside -= 1;
    }),
  );
  expect([inside, most]).toEqual([0, 1]);
});

test("who does not get it in time is told so, and who has it keeps it", async () => {
  const path = await makePath();
  const lock = await lockFile(path, { waitMs: 1_000 });
  await expect(lockFile(path, { waitMs: 60 })).rejects.toThrow("was locked for longer than 60 ms");
  await expect(lockFile(path, { waitMs: 0 })).rejects.toThrow("was locked");
  lock[Symbol.dispose]();
  using _next = await lockFile(path, { waitMs: 0 });
});

test("a lock that was asked for again here in vain still keeps other processes out", async () => {
  const path = await makePath();
  using _lock = await lockFile(path, { waitMs: 1_000 });
  await expect(lockFile(path, { waitMs: 0 })).rejects.toThrow("was locked");
  expect(await tryInOtherProcess(path)).toBe("LockedError");
});

async function tryInOtherProcess(path: string): Promise<string> {
  const module = join(import.meta.dirname, "../../src/store/lock-file.ts");
  const script = `import { lockFile } from ${JSON.stringify(module)};
    await lockFile(process.argv[1], { waitMs: 0 }).then(() => console.log("locked"), (error) => console.log(error.name));`;
  const args = ["--no-warnings", "--input-type=module", "--eval", script, path];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return stdout.trim();
}

test("the lock is one empty file that only its owner can open", async () => {
  const path = await makePath();
  using _lock = await lockFile(path, { waitMs: 1_000 });
  expect(await readdir(join(path, ".."))).toEqual(["thing.lock"]);
  const { size, mode } = await stat(path);
  expect([size, mode & 0o777]).toEqual([0, 0o600]);
});

test("a lock in a folder that is not there is refused", async () => {
  await expect(lockFile(join(await makePath(), "deeper"), { waitMs: 1_000 })).rejects.toMatchObject({ code: "ENOENT" });
});
