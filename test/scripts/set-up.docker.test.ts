import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");

test("the set-up says nothing, changes nothing and is quick when everything is there", () => {
  const options = { cwd: root, encoding: "utf8" } as const;
  spawnSync(process.execPath, ["scripts/with-set-up.mjs"], options);
  const startMs = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, ["scripts/with-set-up.mjs"], options);
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
  expect(performance.now() - startMs).toBeLessThan(2_000);
});
