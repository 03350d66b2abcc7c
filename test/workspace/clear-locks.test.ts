import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { clearLocks } from "../../src/workspace/clear-locks.ts";

test("a lock of git's goes when nobody works in the mirror, and is waited for as long as somebody does", async () => {
  const mirrorPath = mkdtempSync(join(tmpdir(), "mirror-"));
  const lock = join(mirrorPath, "shallow.lock");
  const clear = (signal: AbortSignal): Promise<void> => clearLocks(mirrorPath, { names: ["shallow.lock"], signal });
  writeFileSync(lock, "");
  await clear(new AbortController().signal);
  expect(existsSync(lock)).toBe(false);

  writeFileSync(lock, "");
  const orphan = spawn("sleep", ["30"], { cwd: mirrorPath });
  await once(orphan, "spawn");
  await expect(clear(AbortSignal.timeout(300))).rejects.toThrow("aborted");
  expect(existsSync(lock)).toBe(true);
  const cleared = clear(new AbortController().signal);
  orphan.kill();
  await cleared;
  expect(existsSync(lock)).toBe(false);
  rmSync(mirrorPath, { recursive: true });
});
