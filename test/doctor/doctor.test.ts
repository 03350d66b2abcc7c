import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkNames } from "../../src/doctor/check.ts";
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
    "image: not checked: docker",
    "container-profile: not checked: docker",
    "gateway: not checked: docker",
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

test("for people there is one line a check, with the mend below a failing one", async () => {
  await using world = await openDoctorWorld();
  const { out } = await consultDoctor(world.configure(noDocker));
  const lines = out.trimEnd().split("\n");
  expect(lines.filter((line) => /^[✓✗]/.test(line)).map((line) => /^. ([\w-]+): /.exec(line)?.[1])).toEqual(checkNames);
  const docker = lines.findIndex((line) => line.startsWith("✗ docker: "));
  expect(lines[docker + 1]).toMatch(/^ {2}\S.*DOCKER_HOST/);
  expect(lines.find((line) => line.includes("github"))).toMatch(/^✓ github: /);
});

test("no secret is ever shown, also not by what refuses it", async () => {
  await using world = await openDoctorWorld();
  const wrong = { ...noDocker, OPENAI_API_KEY: "sk-wrong-canary-0123456789" };
  for (const config of [world.configure(noDocker), world.configure(wrong)]) {
    const { out, err } = await consultDoctor(config);
    for (const secret of [...Object.values(secrets), wrong.OPENAI_API_KEY]) expect(out + err).not.toContain(secret);
  }
});

test.each([
  ["a wrong model key", { OPENAI_API_KEY: "sk-wrong" }, "model", /OPENAI_API_KEY/],
  ["a wrong App id", { APP_ID: "999" }, "github", /APP_ID/],
  ["no webhook secret", { WEBHOOK_SECRET: undefined }, "webhook-secret", /WEBHOOK_SECRET/],
])("%s fails its own check, which says how to mend it", async (_, changes, name, mend) => {
  await using world = await openDoctorWorld();
  const { code, out } = await consultDoctor(world.configure({ ...noDocker, ...changes }), { json: true });
  const check = JSON.parse(out).checks.find((one: { name: string }) => one.name === name);
  expect(code).toBe(1);
  expect(check).toMatchObject({ ok: false, mend: expect.stringMatching(mend) });
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
