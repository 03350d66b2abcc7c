import { spawn, spawnSync } from "node:child_process";
import { expect, onTestFinished, test } from "vitest";
import { listLeftProcesses } from "./left-processes.ts";

test("a child that still runs is found", () => {
  const child = spawn("sleep", ["61"]);
  onTestFinished(() => void child.kill());
  expect(listLeftProcesses()).toEqual([`process ${child.pid}: sleep 61`]);
});

test("a process whose parent is gone is found", () => {
  const { stdout } = spawnSync("sh", ["-c", "sleep 62 > /dev/null 2>&1 & echo $!"], { encoding: "utf8" });
  const pid = Number(stdout);
  onTestFinished(() => void process.kill(pid));
  expect(listLeftProcesses()).toEqual([`process ${pid}: sleep 62`]);
});

test("nothing is found when nothing is left", () => {
  spawnSync("true");
  expect(listLeftProcesses()).toEqual([]);
});
