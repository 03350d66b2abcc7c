import { tmpdir } from "node:os";
import Docker from "dockerode";
import { expect, onTestFinished, test } from "vitest";
import { listOwnContainers, listOwnNetworks } from "./own-containers.ts";

const image = process.env["CODEX_IMAGE"] ?? "codex-runner:latest";
const labels = { "codex-orchestrator.run": "left-by-a-test" };
const docker = new Docker();

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
  await leaveContainer([`${tmpdir()}:/workspace`]);
  expect(await listOwnContainers({ folder: tmpdir(), startedAtMs })).toEqual([
    expect.stringMatching(/^container \/.* \(created\)$/),
  ]);
});

test("a container that was there before, or works in another folder, is not ours", async () => {
  const startedAtMs = Date.now();
  await leaveContainer(["/usr/share:/workspace"]);
  expect(await listOwnContainers({ folder: tmpdir(), startedAtMs })).toEqual([]);
  expect(await listOwnContainers({ folder: "/usr", startedAtMs: Date.now() + 60_000 })).toEqual([]);
});

test("a run's network that is left is found", async () => {
  const startedAtMs = Date.now();
  const network = await docker.createNetwork({ Name: "left-by-a-test", Internal: true, Labels: labels });
  onTestFinished(() => network.remove());
  expect(await listOwnNetworks({ startedAtMs })).toEqual(["network left-by-a-test"]);
});
