import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { toToolEnvironment } from "../git/git-environment.ts";
import { RunError } from "../run/failure.ts";
import type { AptSource } from "./apt-source.ts";
import type { ImageEngine } from "./image-engine.ts";
import { nodePaths, placeNode } from "./place-node.ts";
import { runTool } from "./run-tool.ts";

export type MakeBaseOptions = {
  /** Name that the base gets on the engine. */
  image: string;
  source: AptSource;
  /** Existing folder for what is made on the way, about 500 MB; on a disk that allows devices and programs. */
  folderPath: string;
  onDetail: (line: string) => void;
  signal: AbortSignal;
};

/** What the Dockerfile would install otherwise. */
const packages = ["ca-certificates", "git", "ripgrep", "procps", "socat"];

/** dpkg's settings in the base: no documentation, and no waiting for the disk after each file. */
const leanDpkg = [
  "force-unsafe-io",
  "path-exclude=/usr/share/doc/*",
  "path-include=/usr/share/doc/*/copyright",
  "path-exclude=/usr/share/man/*",
  "path-exclude=/usr/share/info/*",
  "path-exclude=/usr/share/locale/*",
];

/** Makes a base image from this machine's own distribution and npm's package with Node, without a registry. */
export async function makeBase(engine: ImageEngine, options: MakeBaseOptions): Promise<void> {
  const systemPath = join(options.folderPath, "system");
  const nodePath = join(options.folderPath, "node");
  await Promise.all([unpackSystem(systemPath, options), placeNode(nodePath, options)]);
  await importFolders(engine, { ...options, systemPath, nodePath });
}

async function unpackSystem(systemPath: string, { source, onDetail, signal }: MakeBaseOptions): Promise<void> {
  const { mirror, suite, components, keyringPath } = source;
  await mkdir(join(systemPath, "etc/dpkg/dpkg.cfg.d"), { recursive: true });
  await writeFile(join(systemPath, "etc/dpkg/dpkg.cfg.d/lean"), `${leanDpkg.join("\n")}\n`);
  const args = [
    "--variant=minbase",
    `--include=${packages.join(",")}`,
    `--components=${components.join(",")}`,
    ...(keyringPath === null ? [] : [`--keyring=${keyringPath}`]),
    suite,
    systemPath,
    mirror,
  ];
  try {
    await runTool("debootstrap", { args, signal, onLine: (line) => onDetail(line.replace(/^I: /, "")) });
  } catch (error) {
    // Stopped in the middle, it leaves these mounted, and they must not be there when the folder is removed.
    for (const name of ["proc", "sys"]) {
      const unmount = { args: ["-l", join(systemPath, name)], signal: new AbortController().signal };
      await runTool("umount", unmount).catch(() => undefined);
    }
    throw error;
  }
  await trimSystem(systemPath, { signal });
}

/** What no run needs. The first packages are unpacked without dpkg, so its settings did not keep their pages away. */
async function trimSystem(systemPath: string, { signal }: { signal: AbortSignal }): Promise<void> {
  for (const name of [
    "var/cache/apt",
    "var/lib/apt/lists",
    "var/log",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
  ]) {
    await rm(join(systemPath, name), { recursive: true, force: true });
    await mkdir(join(systemPath, name));
  }
  const docs = [join(systemPath, "usr/share/doc"), "-type", "f", "!", "-name", "copyright", "-delete"];
  await runTool("find", { args: docs, signal });
}

type ImportOptions = MakeBaseOptions & { systemPath: string; nodePath: string };

async function importFolders(engine: ImageEngine, options: ImportOptions): Promise<void> {
  const { image, systemPath, nodePath, signal } = options;
  const excluded = ["proc", "sys", "dev"].map((name) => `--exclude=./${name}/*`);
  const args = ["--create", "--numeric-owner", ...excluded, "-C", systemPath, ".", "-C", nodePath, ...nodePaths];
  const tar = spawn("tar", args, { env: toToolEnvironment(), stdio: ["ignore", "pipe", "ignore"], signal });
  const ended = once(tar, "close");
  ended.catch(() => undefined); // the import reports a stream that breaks off
  const changes = ["ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];
  await engine.importImage(tar.stdout, { image, changes, signal });
  const [exitCode] = await ended;
  if (exitCode !== 0)
    throw new RunError("image-unusable", `tar failed with exit code ${exitCode} while packing the base.`);
}
