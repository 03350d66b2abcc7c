import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import Docker from "dockerode";
import { expect, test } from "vitest";
import { createPathTranslator } from "../../src/container/own-mounts.ts";
import { createTestEngine, image } from "./container-fixture.ts";

const repositoryPath = join(import.meta.dirname, "../..");

test("an orchestrator in a container gives its runs the folders that it has itself", async () => {
  const docker = new Docker();
  await using runs = await makeFolder();
  await using volume = await makeVolume(docker);
  const { rootFolder } = await createTestEngine().readEngineInfo();

  const { translated, exit, said } = JSON.parse(
    await runInside(docker, {
      binds: [
        `${repositoryPath}:/app:ro`,
        `${runs.path}:/data/runs`,
        `${volume.name}:/volume`,
        "/var/run/docker.sock:/var/run/docker.sock",
      ],
    }),
  );
  expect(translated).toEqual({
    "/data/runs/x": join(runs.path, "x"),
    "/volume/y": join(rootFolder, "volumes", volume.name, "_data", "y"),
    "/etc/hostname": expect.stringContaining("on no mount"),
    "/tmp/z": expect.stringContaining("/tmp/z"),
    "/memory/z": expect.stringContaining("on no mount"),
  });
  expect({ exit, said }).toEqual({ exit: { reason: "exited", exitCode: 0, outOfMemory: false }, said: "handed over" });
});

test("outside of the engine's containers a path stays as it is", async () => {
  const ids = ["0".repeat(64), "000000000000"];
  const translate = createPathTranslator(createTestEngine(), { readOwnIds: () => ids });
  expect(await translate("/some/path")).toBe("/some/path");
});

/** Runs inside-container.ts as root in a container with these mounts, under a host name that says nothing. */
async function runInside(docker: Docker, { binds }: { binds: string[] }): Promise<string> {
  const container = await docker.createContainer({
    ...{ Image: image, User: "0:0", Hostname: "server", NetworkDisabled: true },
    ...{ Entrypoint: ["node"], Cmd: ["/app/test/container/inside-container.ts"] },
    HostConfig: { NetworkMode: "none", Binds: binds, Tmpfs: { "/memory": "" } },
  });
  try {
    const stream = await container.attach({ stream: true, stdout: true, stderr: true });
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    docker.modem.demuxStream(stream, stdout, stderr);
    const said = Promise.all([text(stdout), text(stderr)]);
    await container.start();
    await container.wait();
    for (const output of [stdout, stderr]) output.end();
    const [answer, complaint] = await said;
    expect(complaint).toBe("");
    return answer;
  } finally {
    await container.remove({ force: true, v: true });
  }
}

async function makeFolder() {
  const path = await mkdtemp(join(tmpdir(), "own-mounts-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function makeVolume(docker: Docker) {
  const name = `own-mounts-${process.pid}`;
  await docker.createVolume({ Name: name });
  return { name, [Symbol.asyncDispose]: async () => void (await docker.getVolume(name).remove()) };
}
