import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runProgram } from "../../src/git/run-program.ts";

test("what is aborted while the file for its output is made does not run on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "program-"));
  try {
    const stopping = new AbortController();
    const startedAt = performance.now();
    const { signal } = stopping;
    const running = runProgram(["sleep", "4"], {
      env: { PATH: process.env["PATH"] ?? "" },
      stdoutPath: join(folder, "out"),
      signal,
    });
    stopping.abort(new Error("stopped"));
    await expect(running).rejects.toThrow("stopped");
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
