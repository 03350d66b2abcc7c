import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const child = join(import.meta.dirname, "child.ts");

/** Runs a program with a memory disk at `folder`, which is gone when it has ended. */
async function runOnSmallDisk(program: string, { size, files }: { size: string; files: number }): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "small-disk-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const asRoot = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  const script = `mount -t tmpfs -o size=${size},nr_inodes=${files} none "$0" && exec "$@" "$0"`;
  const command = ["--mount", "sh", "-c", script, folder, process.execPath, program];
  return (await promisify(execFile)("unshare", [...asRoot, ...command])).stdout;
}

test("a disk of its own: what cannot be removed keeps nothing else up; when it fills up what is made anew goes first, then no run begins, and that is said", async () => {
  const seen = JSON.parse(await runOnSmallDisk(child, { size: "64m", files: 3000 }));
  const bytes = { disk: "runs", kind: "bytes", wanted: Math.floor(6.4 * 1024 ** 2) };
  expect(seen.empty).toEqual({ look: null, demand: "room" });
  expect(seen.low.look).toMatchObject(bytes);
  expect(seen.low.ready).toMatchObject({ ok: false, mend: expect.stringContaining("runs prune") });
  expect(seen.low.ready.detail).toBe(
    "No run is begun: only 5.0 MiB are free on the disk of RUNS_PATH, and 6.4 MiB are kept in reserve.",
  );
  expect(seen.held).toMatchObject({ reason: "disk-full", hint: expect.stringContaining("RUNS_PATH") });
  expect([seen.low.oldStays, seen.relieved]).toEqual([true, { demand: "room", oldStays: false, usedStays: true }]);
  expect(seen.full.demand).toMatchObject({
    reason: "disk-full",
    message: "Nothing was begun: only 5.0 MiB are free on the disk of RUNS_PATH, and 6.4 MiB are kept in reserve.",
    hint: expect.stringContaining("RUNS_PATH"),
  });
  expect(seen.full.run).toMatchObject({
    reason: "disk-full",
    message: expect.stringMatching(
      /^Nothing was begun: only 4\.\d MiB are free on the disk of RUNS_PATH, and 6\.4 MiB/,
    ),
  });
  expect([seen.full.usedStays, seen.full.ready.ok]).toEqual([true, false]);
  expect(seen.files.look).toEqual({ disk: "runs", kind: "files", free: 50, wanted: 300 });
  expect(seen.files.working).toBe("stopped");
  expect(seen.files.demand).toMatchObject({ reason: "disk-full", message: expect.stringContaining("50 more files") });

  const { held, free, ...pruned } = seen.pruned;
  expect(pruned).toEqual({
    ...{ folders: [free], isFreeThere: false },
    failures: [expect.stringMatching(new RegExp(`^${held} could not be removed: .*busy`, "i"))],
  });
});
