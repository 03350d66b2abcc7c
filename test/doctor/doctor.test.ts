import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkNames } from "../../src/doctor/check-names.ts";
import { consultDoctor, openDoctorWorld, secrets } from "./doctor-fixture.ts";

const noDocker = { DOCKER_HOST: "unix:///nonexistent/docker.sock" };

test("without Docker, what depends on it is not checked, all else is, and the exit code is 1", async () => {
  await using world = await openDoctorWorld();
  const { code, out } = await consultDoctor(world.configure(noDocker), { json: true });
  const { ok, checks } = JSON.parse(out);
  expect([code, ok]).toEqual([1, false]);
  expect(checks.map(({ name }: { name: string }) => name)).toEqual(checkNames);
  const failed = checks.filter((check: { ok: boolean }) => !check.ok);
  expect(failed.map(({ name, detail }: { name: string; detail: string }) => `${name}: ${detail}`)).toEqual([
    expect.stringMatching(/^docker: The Docker engine could not be reached: .*docker\.sock/),
    ...["isolation", "image", "allowed-images", "container-profile", "codex", "gateway"].map(
      (name) => `${name}: not checked: docker`,
    ),
  ]);
});

test("every check of the JSON report has a name, a verdict, a detail, and a mend just when it failed", async () => {
  await using world = await openDoctorWorld();
  const { out } = await consultDoctor(world.configure(noDocker), { json: true });
  for (const check of JSON.parse(out).checks) {
    expect(Object.keys(check)).toEqual(["name", "ok", "detail", "mend"]);
    expect(check.detail).toMatch(/./);
    expect(check.mend === null).toBe(check.ok);
  }
});

test("for people there is one line a check, its details below each other, with the mend below a failing one", async () => {
  await using world = await openDoctorWorld();
  const { out } = await consultDoctor(world.configure(noDocker));
  const lines = out.trimEnd().split("\n");
  const checked = lines.filter((line) => /^[✓✗]/.test(line));
  expect(checked.map((line) => /^. (\S+)/.exec(line)?.[1])).toEqual(checkNames);
  const column = checkNames.reduce((width, name) => Math.max(width, name.length), 0) + 4;
  for (const line of checked) expect(line.slice(column - 2, column + 1)).toMatch(/^ {2}\S$/);
  const docker = lines.findIndex((line) => line.startsWith("✗ docker "));
  expect(lines[docker + 1]).toMatch(new RegExp(`^ {${column}}→ .*DOCKER_HOST`));
  expect(lines.find((line) => line.includes("github"))).toMatch(/^✓ github /);
  expect(lines.at(-1)).toBe(`7 of ${checkNames.length} checks failed.`);
});

test("no secret is ever shown, also not by what refuses it", async () => {
  await using world = await openDoctorWorld();
  const wrong = { ...noDocker, OPENAI_API_KEY: "sk-wrong-canary-0123456789" };
  for (const config of [world.configure(noDocker), world.configure(wrong)]) {
    const { out, err } = await consultDoctor(config);
    for (const secret of [...Object.values(secrets), wrong.OPENAI_API_KEY]) expect(out + err).not.toContain(secret);
  }
});

test("a RUNS_PATH that cannot be made fails the disk, and the database is not checked", async () => {
  await using world = await openDoctorWorld();
  writeFileSync(join(world.folder, "file"), "");
  const { out } = await consultDoctor(world.configure({ ...noDocker, RUNS_PATH: "file/runs" }), { json: true });
  const checks = JSON.parse(out).checks.slice(-2);
  expect(checks[0]).toMatchObject({ name: "disk", ok: false });
  expect(checks[1]).toMatchObject({ name: "database", ok: false, detail: "not checked: disk" });
});

test("nothing is left behind, and what was there stays", async () => {
  await using world = await openDoctorWorld();
  await consultDoctor(world.configure(noDocker));
  expect(world.listLeftFiles()).toEqual([]);
  mkdirSync(join(world.folder, "runs"), { mode: 0o750 });
  await consultDoctor(world.configure(noDocker));
  expect(world.listLeftFiles()).toEqual(["runs"]);
});

test("warnings of the configuration go to stderr, and not into the JSON", async () => {
  await using world = await openDoctorWorld();
  const config = { ...world.configure(noDocker), warnings: ["PRIVATE_KEY_PATH can be read by others."] };
  expect((await consultDoctor(config)).err).toBe("! PRIVATE_KEY_PATH can be read by others.\n");
  expect((await consultDoctor(config, { json: true })).err).toBe("");
});

test("what others say gives a terminal no orders, and stays on its line", async () => {
  await using world = await openDoctorWorld();
  world.services.app.slug = "evil\u001B]0;title\u0007\u001B[2J\r\n✓ all is well";
  const { out } = await consultDoctor(world.configure(noDocker), { names: ["github"] });
  expect(out).toMatch(/^✓ github +the GitHub App evil ✓ all is well \(1234\) has/m);
  expect(out.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001F\u007F]/);
});

describe("with the names of checks", () => {
  test("only those are tried, and what they need", async () => {
    await using world = await openDoctorWorld();
    const { code, out } = await consultDoctor(world.configure(noDocker), { names: ["database", "git"], json: true });
    expect(code).toBe(0);
    expect(JSON.parse(out).checks.map(({ name }: { name: string }) => name)).toEqual(["git", "disk", "database"]);
  });

  test("one that there is not is bad usage, with the nearest one", async () => {
    await using world = await openDoctorWorld();
    const asked = consultDoctor(world.configure(noDocker), { names: ["gihtub"] });
    await expect(asked).rejects.toThrow(/^There is no check gihtub\. Did you mean github\?/);
  });
});

test("an engine that takes calls and never answers fails no check but its own", async () => {
  await using world = await openDoctorWorld();
  const path = join(world.folder, "hung.sock");
  const hung = createServer(() => {}).listen(path);
  const { code, out } = await consultDoctor(world.configure({ DOCKER_HOST: `unix://${path}` }), { names: ["disk"] });
  expect([code, out]).toEqual([0, expect.stringMatching(/^✓ disk /)]);
  hung.closeAllConnections();
  await new Promise((resolve) => hung.close(resolve));
});

test("what takes long is named on stderr once, and not what waits for it", async () => {
  await using world = await openDoctorWorld();
  world.services.delayMs = 1_000;
  const options = { names: ["model", "github"], json: true, noticeMs: 200 };
  const { out, err } = await consultDoctor(world.configure(), options);
  expect(err).toBe("… still checking: model, clock\n");
  expect(JSON.parse(out).ok).toBe(true);
});
