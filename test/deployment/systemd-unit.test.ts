import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Environment } from "../../src/config/environment.ts";

const root = join(import.meta.dirname, "..", "..");
const unit = readFileSync(join(root, "docker", "systemd", "codex-orchestrator.service"), "utf8");

/** The unit as it would stand on this machine, for systemd's own judgement. */
function analyze(...args: string[]): { status: number | null; said: string } {
  const folder = mkdtempSync(join(tmpdir(), "unit-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "codex-orchestrator.service");
  writeFileSync(path, unit.replace("=/opt/codex-orchestrator/", `=${root}/`));
  const { status, stdout, stderr } = spawnSync("systemd-analyze", [...args, path], { encoding: "utf8" });
  return { status, said: stdout + stderr };
}

test("systemd takes the unit without a word", () => {
  expect(analyze("verify", "--man=no")).toEqual({ status: 0, said: "" });
});

test("systemd counts the service among those that are well shut in", () => {
  const { said } = analyze("security", "--offline=true", "--no-pager");
  expect(said).toMatch(/Overall exposure level for \S+: \d\.\d OK/);
  expect(Number(/level .*: ([\d.]+) OK/.exec(said)?.[1])).toBeLessThanOrEqual(2.5);
  // V8 makes programs in memory, and the engine must see the folders that the server sees.
  expect(unit).not.toMatch(/^(?:MemoryDenyWriteExecute|PrivateTmp|RootDirectory|DynamicUser)=/m);
});

test("a stop tells the server alone, since git would fail its run and a second signal ends the server, and wrong settings are not tried again", () => {
  expect(unit).toMatch(/^KillMode=mixed$/m);
  expect(unit).toMatch(/^Restart=on-failure$/m);
  const bin = join(root, "bin", "codex-orchestrator.mjs");
  const { status } = spawnSync(process.execPath, [bin, "serve"], {
    cwd: tmpdir(),
    env: { PATH: process.env["PATH"], HOME: tmpdir(), MAX_RUNS_PER_HOUR: "0" },
  });
  expect(unit).toMatch(new RegExp(`^RestartPreventExitStatus=${status}$`, "m"));
});

test("the unit sets nothing that the orchestrator does not know, and all it writes is below its own folder", () => {
  const variables = [...unit.matchAll(/^Environment=(\w+)=(.*)$/gm)].map(([, name = "", value = ""]) => ({
    name,
    value,
  }));
  expect(["HOME", ...Object.keys(Environment.shape)]).toEqual(
    expect.arrayContaining(variables.map(({ name }) => name)),
  );
  const state = `/var/lib/${/^StateDirectory=(.+)$/m.exec(unit)?.[1]}`;
  expect(state).toBe("/var/lib/codex-orchestrator");
  for (const { value } of variables) expect(value === state || value.startsWith(`${state}/`)).toBe(true);
});
