import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Lab, at, readPatch, replay, toLines } from "./lab.ts";

test("WS-026: a run that changes nothing has no changes, the base's tree and an empty patch", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n", run: { program: "x" }, l: { link: "a.txt" } }));
  const collected = await lab.collect(run);
  expect(collected).toEqual({
    treeSha: lab.git(["rev-parse", `${run.base.sha}^{tree}`], { cwd: run.base.mirrorPath }),
    changes: [],
    leftOut: [],
  });
  expect(statSync(run.patchPath).size).toBe(0);
  expect(await replay(lab, run)).toBe(collected.treeSha);
});

test("files added, modified, deleted and renamed, links, modes and binaries are found, and the patch makes the same tree", async () => {
  await using lab = new Lab();
  const run = await lab.clone(
    lab.createRemote({
      "mod.txt": "one\n",
      "del.txt": "gone\n",
      "old/name.txt": "same words\n".repeat(20),
      "tool.sh": "#!/bin/sh\n",
      "bin.dat": Buffer.from([0, 1, 2, 255]),
      "to-link": "a file\n",
      "from-link": { link: "mod.txt" },
      "to-folder": "a file\n",
      "to-file/x": "x\n",
      "untouched/deep/file": "x\n",
    }),
  );
  writeFileSync(at(run, "mod.txt"), "two\n");
  rmSync(at(run, "del.txt"));
  mkdirSync(at(run, "new"));
  renameSync(at(run, "old/name.txt"), at(run, "new/name.txt"));
  chmodSync(at(run, "tool.sh"), 0o755);
  writeFileSync(at(run, "bin.dat"), Buffer.from([0, 9, 9, 255, 13, 10]));
  rmSync(at(run, "to-link"));
  symlinkSync("mod.txt", at(run, "to-link"));
  rmSync(at(run, "from-link"));
  writeFileSync(at(run, "from-link"), "mod.txt");
  rmSync(at(run, "to-folder"));
  mkdirSync(at(run, "to-folder"));
  writeFileSync(at(run, "to-folder/inside"), "");
  rmSync(at(run, "to-file"), { recursive: true });
  writeFileSync(at(run, "to-file"), "x\n");
  mkdirSync(at(run, "empty/folder"), { recursive: true });

  const collected = await lab.collect(run);
  expect(toLines(collected)).toEqual([
    "modified bin.dat 100644",
    "deleted del.txt",
    "modified from-link 100644",
    "modified mod.txt 100644",
    "added new/name.txt 100644",
    "deleted old/name.txt",
    "added to-file 100644",
    "deleted to-file/x",
    "deleted to-folder",
    "added to-folder/inside 100644",
    "modified to-link 120000",
    "modified tool.sh 100755",
  ]);
  expect(collected.leftOut).toEqual([]);
  expect(await replay(lab, run)).toBe(collected.treeSha);
  expect(readPatch(run)).toContain("rename to new/name.txt");
});

test("RP-015: names with spaces, quotes, newlines, tabs, dashes, odd letters and bytes that are no UTF-8 arrive byte for byte", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n" }));
  const names = [
    "with space",
    'quote"s',
    "it's",
    "new\nline",
    "tab\there",
    "-rf",
    "--help",
    "back\\slash",
    ":(glob)*",
    "*",
    "#hash",
    "!bang",
    "caf\u00e9",
    "cafe\u0301",
    "CON",
    "trailing.",
    "trailing ",
    "\u{1f600}",
    "a\u200bb",
    "~",
    "C:",
  ].map((name) => Buffer.from(name));
  names.push(Buffer.from([0x62, 0xff, 0xfe, 0x63]));
  for (const name of names) {
    writeFileSync(Buffer.concat([Buffer.from(`${run.workspace.treePath}/`), name]), `in ${name.toString("hex")}\n`);
  }
  const collected = await lab.collect(run);
  expect(collected.leftOut).toEqual([]);
  expect(collected.changes.map(({ path }) => path)).toEqual(names.toSorted((a, b) => Buffer.compare(a, b)));
  expect(await replay(lab, run)).toBe(collected.treeSha);
});

test("WS-025: only a mode, or only line ends, changed: the change is exactly that", async () => {
  await using lab = new Lab();
  const run = await lab.clone(
    lab.createRemote({ "m.sh": "echo\n", "x.sh": { program: "x\n" }, "crlf.txt": "a\r\nb\r\n", "lf.txt": "a\nb\n" }),
  );
  chmodSync(at(run, "m.sh"), 0o755);
  chmodSync(at(run, "x.sh"), 0o644);
  writeFileSync(at(run, "crlf.txt"), "a\nb\n");
  writeFileSync(at(run, "lf.txt"), "a\r\nb\r\n");
  const collected = await lab.collect(run);
  expect(toLines(collected)).toEqual([
    "modified crlf.txt 100644",
    "modified lf.txt 100644",
    "modified m.sh 100755",
    "modified x.sh 100644",
  ]);
  const tree = lab.readTree(run.base.mirrorPath, collected.treeSha);
  expect(tree.get("m.sh")).toBe("100755 echo");
  expect(await replay(lab, run)).toBe(collected.treeSha);
});

test("WS-033: setuid, group and other rights are dropped", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n" }));
  writeFileSync(at(run, "root"), "x");
  chmodSync(at(run, "root"), 0o6777);
  writeFileSync(at(run, "odd"), "x");
  chmodSync(at(run, "odd"), 0o466);
  chmodSync(at(run, "a.txt"), 0o666);
  expect(toLines(await lab.collect(run))).toEqual(["added odd 100644", "added root 100755"]);
});

test("a change of the same length with the old modification time is found", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "aaaa\n" }));
  const { atime, mtime } = statSync(at(run, "a.txt"));
  writeFileSync(at(run, "a.txt"), "bbbb\n");
  utimesSync(at(run, "a.txt"), atime, mtime);
  expect(toLines(await lab.collect(run))).toEqual(["modified a.txt 100644"]);
});

test("the table of file times spares the reading, is not believed for touched files, and may be missing", async () => {
  await using lab = new Lab();
  const url = lab.createRemote(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`f${i}`, `text ${i}\n`])));
  const run = await lab.clone(url);
  writeFileSync(at(run, "f7"), "TEXT 7\n");
  const first = await lab.collect(run);
  rmSync(join(run.workspace.rootPath, "times"));
  const second = await lab.collect(run);
  expect(toLines(second)).toEqual(["modified f7 100644"]);
  expect(second).toEqual(first);
});

test("the agent's own commits count like uncommitted edits", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n", "b.txt": "b\n" }));
  writeFileSync(at(run, "a.txt"), "committed\n");
  rmSync(at(run, "b.txt"));
  const cwd = run.workspace.treePath;
  lab.git(["commit", "--quiet", "--all", "-m", "Mine"], { cwd });
  lab.git(["checkout", "--quiet", "-b", "elsewhere"], { cwd });
  writeFileSync(at(run, "c.txt"), "not committed\n");
  expect(toLines(await lab.collect(run))).toEqual(["modified a.txt 100644", "deleted b.txt", "added c.txt 100644"]);
});

test("collecting again gives the same tree and the same patch", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n" }));
  writeFileSync(at(run, "a.txt"), "b\n");
  const first = await lab.collect(run);
  const patch = readPatch(run);
  expect(await lab.collect(run)).toEqual(first);
  expect(readPatch(run)).toBe(patch);
});

test("WS-027: a run that deletes every file is a change like any other", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n", "dir/b.txt": "b\n" }));
  rmSync(at(run, "a.txt"));
  rmSync(at(run, "dir"), { recursive: true });
  const collected = await lab.collect(run);
  expect(toLines(collected)).toEqual(["deleted a.txt", "deleted dir/b.txt"]);
  expect(await replay(lab, run)).toBe(collected.treeSha);
});

test("files and folders without any permission are read all the same", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "dir/a.txt": "a\n", "b.txt": "b\n" }));
  writeFileSync(at(run, "dir/a.txt"), "changed\n");
  writeFileSync(at(run, "b.txt"), "changed\n");
  chmodSync(at(run, "b.txt"), 0);
  chmodSync(at(run, "dir"), 0);
  expect(toLines(await lab.collect(run))).toEqual(["modified b.txt 100644", "modified dir/a.txt 100644"]);
  expect(lstatSync(at(run, "dir")).isDirectory()).toBe(true);
});

test("an aborted ingest rejects with the signal's reason", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n" }));
  const reason = new Error("cancelled");
  await expect(lab.collect(run, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

test("the patch stands under its name only when it is whole, and replaces an earlier one", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n" }));
  writeFileSync(run.patchPath, "earlier");
  writeFileSync(at(run, "a.txt"), "b\n");
  await lab.collect(run);
  expect(readPatch(run)).toMatch(/^diff --git a\/a\.txt b\/a\.txt\nindex [0-9a-f]{40}\.\.[0-9a-f]{40} 100644\n/);
  expect(existsSync(`${run.patchPath}.draft`)).toBe(false);
  expect(readFileSync(run.patchPath, "utf8").endsWith("+b\n")).toBe(true);
});
