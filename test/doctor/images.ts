import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { image as runnerImage } from "../container/container-fixture.ts";

const run = promisify(execFile);

export type MadeImage = AsyncDisposable & { image: string };

/** An image with nothing in it but its labels, or the runner image without a program; gone when disposed. */
export async function makeImage(wish: { labels: string[] } | { without: string }): Promise<MadeImage> {
  const image = `doctor-test:${randomUUID()}`;
  if ("labels" in wish) await importEmpty(image, wish);
  else await takeOut(image, wish);
  return { image, [Symbol.asyncDispose]: async () => void (await run("docker", ["rmi", "--force", image])) };
}

/** The end of an archive of files, which is an archive of none. */
const EMPTY_TAR = Buffer.alloc(1024);

async function importEmpty(image: string, { labels }: { labels: string[] }): Promise<void> {
  const changes = labels.flatMap((label) => ["--change", `LABEL ${label}`]);
  const importing = run("docker", ["import", ...changes, "-", image]);
  importing.child.stdin?.end(EMPTY_TAR);
  await importing;
}

async function takeOut(image: string, { without }: { without: string }): Promise<void> {
  const name = `doctor-test-${randomUUID()}`;
  const script = `rm -f $(find / -xdev -name ${without} '!' -type d)`;
  const asRoot = ["--user", "0", "--network", "none", "--entrypoint", "/bin/sh"];
  try {
    await run("docker", ["run", "--name", name, ...asRoot, runnerImage, "-c", script]);
    await run("docker", ["commit", "--change", "USER 10001:10001", name, image]);
  } finally {
    await run("docker", ["rm", "--force", name]);
  }
}
