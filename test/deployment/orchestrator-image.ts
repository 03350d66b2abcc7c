import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type Docker from "dockerode";
import { z } from "zod";

const root = join(import.meta.dirname, "..", "..");
const Lockfile = z.object({
  packages: z.record(z.string(), z.object({ dev: z.boolean().optional(), optional: z.boolean().optional() })),
});

/**
 * Builds the orchestrator's image from docker/orchestrator/Dockerfile, on top of a local image with Node and with the
 * dependencies of this checkout, so that no registry is needed.
 */
export async function buildOrchestratorImage(
  docker: Docker,
  { image, base, uid }: { image: string; base: string; uid: number },
): Promise<void> {
  const files = readAllowedFiles();
  const move = "flags=r;s,^node_modules/,docker/orchestrator/dependencies/,";
  const tar = spawn("tar", ["--create", "-C", root, "--transform", move, ...files, ...listDependencies()], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const output = await docker.buildImage(tar.stdout, {
    t: image,
    dockerfile: "docker/orchestrator/Dockerfile",
    buildargs: { BASE_IMAGE: base, UID: String(uid) },
    networkmode: "none",
    forcerm: true,
  });
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) =>
    docker.modem.followProgress(
      output,
      (error) => (error === null ? resolve() : reject(new Error(lines.join(""), { cause: error }))),
      ({ stream }: { stream?: string }) => lines.push(stream ?? ""),
    ),
  );
}

/** What .dockerignore lets into the build. */
function readAllowedFiles(): string[] {
  const lines = readFileSync(join(root, ".dockerignore"), "utf8").split("\n");
  return lines.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
}

/** The packages that `npm ci --omit=dev --omit=optional` would install. */
function listDependencies(): string[] {
  const { packages } = Lockfile.parse(JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")));
  return Object.entries(packages)
    .filter(([path, { dev, optional }]) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) && !dev && !optional)
    .map(([path]) => path);
}
