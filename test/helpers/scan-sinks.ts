import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { World } from "../e2e/world.ts";
import { findSecrets } from "./find-secret.ts";

/** Where a secret could come to, by name, and what stands there. */
export type Sinks = Record<string, string | Buffer>;

/** All that a server writes or sends of its own: its files with the database, what GitHub was told, what was pushed. */
export async function readSinks({ runsPath, github }: Pick<World, "runsPath" | "github">): Promise<Sinks> {
  const files = readdirSync(runsPath, { recursive: true })
    .map((name) => join(runsPath, String(name)))
    .filter((path) => statSync(path).isFile());
  const requests = github.requests.map(({ method, path, query, body }) => JSON.stringify([method, path, query, body]));
  return {
    // Names too: a run's folder, a branch in a mirror.
    "names of files": files.join("\n"),
    ...Object.fromEntries(files.map((path) => [path.slice(runsPath.length + 1), readFileSync(path)])),
    "requests to GitHub": requests.join("\n"),
    "objects of git": await github.git.git(github.repository, ["cat-file", "--batch-all-objects", "--batch"]),
    "refs of git": await github.git.git(github.repository, ["for-each-ref"]),
  };
}

/** Every secret that stands in a sink, as `sink: name`. */
export function scanSinks(sinks: Sinks, secrets: Record<string, string>): string[] {
  return Object.entries(sinks).flatMap(([sink, content]) =>
    findSecrets(content, secrets).map((name) => `${sink}: ${name}`),
  );
}
