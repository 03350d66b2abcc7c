import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContainerEngine } from "../../src/container/engine.ts";
import { findAptSource } from "../../src/image/apt-source.ts";
import { runTool } from "../../src/image/run-tool.ts";

const packages = [
  ...["ca-certificates", "git", "procps", "bash", "python3", "python3-venv", "python3-pip", "python3-pytest"],
  ...["golang-go", "default-jdk-headless", "junit4"],
];

/**
 * Names an image with Debian's own languages, as people have it who never heard of us, and makes it when it is not there: from this
 * machine's mirror, which takes some minutes. The name tells what is in it.
 */
export async function makeLanguageImage(engine: ContainerEngine): Promise<string> {
  const hash = createHash("sha256").update(packages.join()).digest("hex").slice(0, 12);
  const image = `codex-test-languages:${hash}`;
  if ((await engine.readImage(image)) !== null) return image;
  const source = await findAptSource();
  if (source === null) throw new Error("This machine has no Debian mirror to make an image with languages from.");
  const folder = mkdtempSync(join(tmpdir(), "languages-"));
  try {
    const system = join(folder, "system");
    const { keyringPath, suite, mirror } = source;
    const options = [`--include=${packages.join(",")}`, ...(keyringPath === null ? [] : [`--keyring=${keyringPath}`])];
    const args = ["--variant=minbase", ...options, suite, system, mirror];
    await runTool("debootstrap", { args, signal: new AbortController().signal });
    await importSystem(engine, { image, system });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return image;
}

async function importSystem(engine: ContainerEngine, { image, system }: { image: string; system: string }) {
  const excluded = ["proc", "sys", "dev", "var/cache/apt", "var/lib/apt/lists"].map((name) => `--exclude=./${name}/*`);
  const tar = spawn("tar", ["--create", "--numeric-owner", ...excluded, "-C", system, "."], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = once(tar, "close");
  await engine.importImage(tar.stdout, { image, changes: ["ENV LANG=C.UTF-8"] });
  const [exitCode] = await ended;
  if (exitCode !== 0) throw new Error(`tar ended with ${String(exitCode)}`);
}
