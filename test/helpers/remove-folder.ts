import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";

/**
 * Removes a folder that may hold a RUNS_PATH. What the kernel left there for mounts of its own belongs to root; who is not root has
 * a container remove it.
 */
export function removeFolder(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    const image = process.env["CODEX_IMAGE"] ?? "codex-runner:latest";
    const how = ["--rm", "--user=0", "--network=none", `--volume=${path}:/gone`, "--entrypoint=find", image];
    execFileSync("docker", ["run", ...how, "/gone", "-mindepth", "1", "-delete"], { stdio: "ignore" });
    rmSync(path, { recursive: true, force: true });
  }
}
