import { chown, lstat, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ContainerSpec } from "../../src/container/container-spec.ts";
import { toOverlayOptions } from "../../src/container/overlay-mount.ts";
import { startContainer } from "../../src/container/start-container.ts";
import { createTestEngine, makeFolders, readAll, toTestSpec, toWishes } from "./container-fixture.ts";

const engine = createTestEngine();

async function run(spec: ContainerSpec): Promise<string> {
  await using container = await startContainer(engine, { spec });
  const output = Promise.all([readAll(container.stdout), readAll(container.stderr)]);
  await container.supervise(toWishes());
  return (await output).join("");
}

test("a container writes above what is below, nothing below changes, and the mount goes with the container", async () => {
  await using folders = await makeFolders();
  const { treePath } = folders.paths;
  const disk = await mkdtemp(join(tmpdir(), "overlay-"));
  try {
    const [lower, workPath] = [join(disk, "lower"), join(disk, "work")];
    for (const path of [lower, workPath]) await mkdir(path);
    for (const name of ["kept", "removed", "changed"]) await writeFile(join(lower, name), "below\n", { mode: 0o666 });
    const { uid, gid } = await lstat(treePath);
    for (const name of ["", "kept", "removed", "changed"]) await chown(join(lower, name), uid, gid);
    const toSpec = (script: string, folder: Parameters<typeof toOverlayOptions>[0]): ContainerSpec => {
      const spec = toTestSpec(folders, { script });
      const options = toOverlayOptions(folder) ?? "";
      const mounts = spec.mounts.filter(({ target }) => target !== "/workspace");
      return { ...spec, mounts, overlays: [{ target: "/workspace", options }] };
    };
    const upper = { path: treePath, workPath };
    expect(
      await run(toSpec("cat kept; rm removed; echo above >> changed; echo new > new", { lower: [lower], upper })),
    ).toBe("below\n");
    expect(await readFile(join(lower, "changed"), "utf8")).toBe("below\n");
    expect(await readFile(join(lower, "removed"), "utf8")).toBe("below\n");
    expect(await readFile(join(treePath, "changed"), "utf8")).toBe("below\nabove\n");
    const gone = await lstat(join(treePath, "removed"));
    expect([gone.isCharacterDevice(), gone.rdev]).toEqual([true, 0]);
    const look = toSpec("ls; cat changed; touch x", { lower: [treePath, lower], upper: null });
    expect(await run(look)).toMatch(/^changed\nkept\nnew\nbelow\nabove\n.*Read-only file system/);
  } finally {
    await rm(disk, { recursive: true, force: true });
  }
});

test("an overlay that the engine cannot mount is refused, and no container is left", async () => {
  await using folders = await makeFolders();
  const spec = toTestSpec(folders, { script: "true" });
  const options = toOverlayOptions({ lower: ["/no-such-a", "/no-such-b"], upper: null }) ?? "";
  const broken: ContainerSpec = { ...spec, overlays: [{ target: "/mnt", options }] };
  await expect(run(broken)).rejects.toMatchObject({ failure: { reason: "container-refused" } });
  expect(await engine.inspectContainer(spec.name)).toBeNull();
});
