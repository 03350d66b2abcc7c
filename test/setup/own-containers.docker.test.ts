import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { listOwnContainers, listOwnNetworks } from "./own-containers.ts";

const image = process.env["CODEX_IMAGE"] ?? "codex-runner:latest";
const labels = { "codex-orchestrator.run": "left-by-a-test" };
const docker = new Docker();

/** Other tests have containers of their own at the same time, in other folders. */
let folder = "";
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "left-"))));
afterEach(() => rmSync(folder, { recursive: true }));

async function leaveContainer(binds: string[]): Promise<void> {
  const container = await docker.createContainer({
    Image: image,
    Labels: labels,
    HostConfig: { NetworkMode: "none", Binds: binds },
  });
  onTestFinished(() => container.remove());
}

test("a run's container that is left is found", async () => {
  const startedAtMs = Date.now();
  await leaveContainer([`${folder}:/workspace`]);
  expect(await listOwnContainers({ folder, startedAtMs })).toEqual([
    expect.stringMatching(/^container \/.* \(created\)$/),
  ]);
});

test("a container that was there before, or works in another folder, is not ours", async () => {
  const startedAtMs = Date.now();
  await leaveContainer(["/usr/share:/workspace"]);
  expect(await listOwnContainers({ folder, startedAtMs })).toEqual([]);
  expect(await listOwnContainers({ folder: "/usr/share", startedAtMs: Date.now() + 60_000 })).toEqual([]);
});

test("a run's network that is left is found", async () => {
  const startedAtMs = Date.now();
  const network = await docker.createNetwork({ Name: "left-by-a-test", Internal: true, Labels: labels });
  onTestFinished(() => network.remove());
  expect(await listOwnNetworks({ startedAtMs })).toEqual(["network left-by-a-test"]);
});
