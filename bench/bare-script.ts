import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { image, MODEL, type BenchWorld } from "./world.ts";

const TOOLS = ["bash", "git", "docker", "curl"];

/** The programs that the bare script needs and that are not here. */
export function listMissingTools(): string[] {
  return TOOLS.filter((tool) => spawnSync(tool, ["--version"], { stdio: "ignore" }).status !== 0);
}

/** Runs the bare script once, against the same stand-ins. Rejects with what it said when it fails. */
export async function runBareScript(world: BenchWorld, { branch }: { branch: string }): Promise<void> {
  const { github, model, folder, apiKey } = world;
  const workPath = join(folder, branch);
  const child = spawn("bash", [join(import.meta.dirname, "bare.sh")], {
    cwd: folder,
    env: {
      PATH: process.env["PATH"],
      DOCKER_HOST: process.env["DOCKER_HOST"],
      HOME: folder,
      GIT_CONFIG_NOSYSTEM: "1",
      REPOSITORY_URL: `${github.origin}/${github.repository}.git`,
      API_URL: `${github.origin}/api/v3/repos/${github.repository}`,
      TOKEN: github.tokenOf("octocat"),
      MODEL_URL: model.baseUrl,
      MODEL,
      OPENAI_API_KEY: apiKey,
      IMAGE: image,
      WORK_PATH: workPath,
      BRANCH: branch,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [[code], words] = await Promise.all([once(child, "exit"), text(child.stderr)]);
  for (const path of [workPath, `${workPath}.log`]) rmSync(path, { recursive: true, force: true });
  if (code !== 0) throw new Error(`bare.sh ended with ${code}: ${words.slice(-500)}`);
}
