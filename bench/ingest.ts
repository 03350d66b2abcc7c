import { chown, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chooseOwner } from "../src/container/container-spec.ts";
import { runGit } from "../src/git/git.ts";
import { createRunId } from "../src/run/id.ts";
import { cloneWorkspace } from "../src/workspace/clone-workspace.ts";
import { collectChanges } from "../src/workspace/collect-changes.ts";
import { openWorkspace } from "../src/workspace/workspace.ts";
import { toMedian, toMs } from "./statistics.ts";

const FILES = 20_000;
const FOLDERS = 200;
const CHANGED = 5;
const FILE_BYTES = 4_096;

type Figures = { cloneMs: number; ingestMs: number };

/** How long it takes to fill a workspace of 20,000 files, and to find the 5 that a run changed in it. */
export async function measureIngest({ rounds }: { rounds: number }): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "bench-ingest-"));
  try {
    const url = await makeRepository(join(folder, "origin"));
    const cold = await measureOnce(folder, { url });
    const warm: Figures[] = [];
    for (let round = 0; round < rounds; round++) warm.push(await measureOnce(folder, { url }));
    return [
      `A repository of ${FILES.toLocaleString("en")} files of ${FILE_BYTES} bytes, ${CHANGED} changed by the run`,
      `ingest ${toMs(toMedian(warm.map(({ ingestMs }) => ingestMs)))}, median of ${rounds} (aim: under 1,500 ms); the first one ${toMs(cold.ingestMs)}`,
      `clone  ${toMs(toMedian(warm.map(({ cloneMs }) => cloneMs)))} with a warm mirror, ${toMs(cold.cloneMs)} without one`,
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A local repository with one commit; gives its URL. */
async function makeRepository(path: string): Promise<string> {
  await mkdir(path);
  await runGit(["init", "--quiet", "--initial-branch=main"], { cwd: path });
  const folders = Array.from({ length: FOLDERS }, (_, index) => join(path, `folder-${index}`));
  await Promise.all(folders.map((folder) => mkdir(folder)));
  for (const [index, folder] of folders.entries()) {
    const names = Array.from({ length: FILES / FOLDERS }, (_, file) => `file-${file}.txt`);
    await Promise.all(names.map((name) => writeFile(join(folder, name), toContent(`${index}/${name}`))));
  }
  const person = { name: "bench", email: "bench@example.invalid", date: "1700000000 +0000" };
  await runGit(["add", "--all"], { cwd: path });
  await runGit(["commit", "--quiet", "--message=All files"], {
    cwd: path,
    identity: { author: person, committer: person },
  });
  return `file://${path}`;
}

function toContent(name: string): string {
  return `${name}\n`.repeat(Math.ceil(FILE_BYTES / (name.length + 1))).slice(0, FILE_BYTES);
}

async function measureOnce(folder: string, { url }: { url: string }): Promise<Figures> {
  const { signal } = new AbortController();
  const owner = process.getuid?.() === 0 ? chooseOwner({ uid: 0, gid: 0 }) : null;
  await using workspace = await openWorkspace(createRunId(), { workRoot: join(folder, "work") });
  const clonedFrom = performance.now();
  const mirrorRoot = join(folder, "mirrors");
  const base = await cloneWorkspace(workspace, { url, baseRef: "main", credential: null, mirrorRoot, owner, signal });
  const cloneMs = performance.now() - clonedFrom;

  for (let index = 0; index < CHANGED; index++) {
    const path = join(workspace.treePath, `folder-${index * 7}`, "file-0.txt");
    await writeFile(path, "changed by the run\n");
    if (owner !== null) await chown(path, owner.uid, owner.gid);
  }
  const ingestedFrom = performance.now();
  const { changes } = await collectChanges(workspace, { base, patchPath: join(folder, "changes.patch") });
  const ingestMs = performance.now() - ingestedFrom;
  if (changes.length !== CHANGED) throw new Error(`${changes.length} changes were found, not ${CHANGED}`);
  return { cloneMs, ingestMs };
}
