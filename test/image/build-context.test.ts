import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openBuildContext } from "../../src/image/build-context.ts";
import { readRecipe } from "../../src/image/recipe.ts";
import { writePackage } from "./fake-package.ts";

const docker = join(import.meta.dirname, "../../docker");
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "context-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("the recipe", () => {
  test("Codex is pinned in the Dockerfile, and nowhere else in the product", async () => {
    const recipe = await readRecipe(docker);
    expect(recipe.codexVersion).toBe(
      /^ARG CODEX_VERSION=(.+)$/m.exec(readFileSync(join(docker, "Dockerfile"), "utf8"))?.[1],
    );
    expect(recipe.defaultBase).toBe("node:24-bookworm-slim");
    expect(recipe.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  test("its hash changes with every byte of it", async () => {
    for (const name of ["Dockerfile", "run-entry", "git"]) {
      writeFileSync(join(folder, name), readFileSync(join(docker, name)));
    }
    const before = await readRecipe(folder);
    writeFileSync(join(folder, "run-entry"), "#!/bin/sh\n");
    expect(before.hash).toBe((await readRecipe(docker)).hash);
    expect((await readRecipe(folder)).hash).not.toBe(before.hash);
  });

  test("a Dockerfile that pins no Codex is a defect", async () => {
    writeFileSync(join(folder, "Dockerfile"), "ARG BASE_IMAGE=x\nFROM x\n");
    for (const name of ["run-entry", "git"]) writeFileSync(join(folder, name), "");
    await expect(readRecipe(folder)).rejects.toThrow(/CODEX_VERSION/);
  });

  test("names no host of a registry or a mirror", () => {
    for (const name of ["Dockerfile", "run-entry", "git"]) {
      expect(readFileSync(join(docker, name), "utf8")).not.toMatch(/https?:|\b[\w-]+\.(org|com|io|net)\b/);
    }
  });
});

describe("the build context", () => {
  test("holds the recipe and Codex without its voice, with their modes", async () => {
    const codexArchivePath = await writePackage(folder, {
      "package.json": "{}",
      "vendor/x/bin/codex": "c".repeat(300_000),
      "vendor/x/codex-resources/voice/lib/big.so": "v".repeat(300_000),
      "vendor/x/codex-resources/bwrap": "",
    });
    const recipe = await readRecipe(docker);
    const entries = await readTar(openBuildContext(recipe, { codexArchivePath }));
    expect([...entries].map(([name, { mode, size }]) => [name, mode.toString(8), size])).toEqual([
      ["Dockerfile", "644", expect.any(Number)],
      ["run-entry", "755", expect.any(Number)],
      ["git", "755", expect.any(Number)],
      ["codex/", "755", 0],
      ["codex/package.json", "755", 2],
      ["codex/vendor/x/bin/codex", "755", 300_000],
      ["codex/vendor/x/codex-resources/bwrap", "755", 0],
    ]);
  });

  test("an archive that is broken breaks the stream off, so that no half image is made", async () => {
    const codexArchivePath = join(folder, "broken.tgz");
    writeFileSync(codexArchivePath, "this is no archive");
    const context = openBuildContext(await readRecipe(docker), { codexArchivePath });
    await expect(text(context)).rejects.toThrow(/header/);
  });
});

async function readTar(tar: Readable): Promise<Map<string, { mode: number; size: number }>> {
  const unpacked = extract();
  const piping = pipeline(tar, unpacked);
  const entries = new Map<string, { mode: number; size: number }>();
  for await (const entry of unpacked) {
    const bytes = await buffer(Readable.from(entry));
    entries.set(entry.header.name, { mode: entry.header.mode, size: bytes.length });
  }
  await piping;
  return entries;
}
