import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkNames, type CheckName } from "../../src/doctor/check-names.ts";
import type { CheckResult } from "../../src/doctor/check.ts";
import { consultDoctor, openDoctorWorld, type DoctorRun, type DoctorWorld } from "./doctor-fixture.ts";
import { machineFaults, serviceFaults, type Fault, type Planted } from "./faults.ts";

const main = join(import.meta.dirname, "../../src/main.ts");

/** Those that start containers have nothing to do with most faults, and would take most of the time. */
const inContainers: readonly CheckName[] = ["container-profile", "codex", "gateway"];
const withoutContainers = checkNames.filter((name) => !inContainers.includes(name));

/** The command as people start it, as a process of its own. */
async function startDoctor(
  world: DoctorWorld,
  { names, changes, mount }: Planted & { names: readonly CheckName[] },
): Promise<DoctorRun> {
  const command = [process.execPath, main, "doctor", "--json", ...names];
  const mounted = mount === undefined ? command : toMounted(command, { mount, folder: join(world.folder, "runs") });
  const [program = "", ...args] = mounted;
  const env = world.environment({ PATH: process.env["PATH"], TMPDIR: process.env["TMPDIR"], ...changes });
  return new Promise((resolve) => {
    execFile(program, args, { cwd: world.folder, env }, (error, out, err) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, out, err }),
    );
  });
}

type Mounted = { mount: NonNullable<Planted["mount"]>; folder: string };

/** The mount is gone when the command has ended: its namespace is then gone, too. */
function toMounted(command: string[], { mount: { options, fill = "0" }, folder }: Mounted): string[] {
  const mounting = `mkdir "$0" && mount -t tmpfs -o ${options} none "$0"`;
  const filling = fill === "0" ? ":" : `head -c ${fill} /dev/zero >"$0/filler"`;
  const asRoot = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  return ["unshare", ...asRoot, "--mount", "sh", "-c", `${mounting} && ${filling} && exec "$@"`, folder, ...command];
}

type Report = { ok: boolean; checks: CheckResult[] };

/** All that a fault may change in what the command gives. */
function read(run: DoctorRun) {
  if (!run.out.startsWith("{")) throw new Error(`no report: ${run.err}`);
  const { ok, checks }: Report = JSON.parse(run.out);
  const bad = checks.filter((check) => !check.ok);
  const failed = bad.filter((check) => !check.detail.startsWith("not checked: "));
  const blocked = bad.filter((check) => !failed.includes(check));
  return {
    ...{ code: run.code, ok, names: checks.map(({ name }) => name), failed },
    blockedBy: [...new Set(blocked.map(({ detail }) => detail))],
    shown: /canary/.exec(run.out + run.err)?.[0] ?? "no secret",
  };
}

/** That one check alone failed, whatever could not be tried because of it. */
function toOneFailure({ fails, detail, mend }: Fault, names: readonly CheckName[]) {
  const found = { name: fails, ok: false, detail: expect.stringMatching(detail), mend: expect.stringMatching(mend) };
  const blockedBy = expect.toSatisfy((list: string[]) => list.every((by) => by === `not checked: ${fails}`));
  return { code: 1, ok: false, names, failed: [found], blockedBy, shown: "no secret" };
}

describe("on a machine where all else is well,", () => {
  test("nothing fails", async () => {
    await using world = await openDoctorWorld();
    const good = { code: 0, ok: true, names: checkNames, failed: [], blockedBy: [], shown: "no secret" };
    expect(read(await startDoctor(world, { names: [] }))).toEqual(good);
  });

  test.concurrent.each(machineFaults)("the command finds that $name, and nothing else", async (fault) => {
    await using world = await openDoctorWorld();
    await using parts = new AsyncDisposableStack();
    const planted = await fault.plant(world);
    for (const part of planted.parts ?? []) parts.use(part);
    const isOfContainers = inContainers.includes(fault.fails);
    const run = await startDoctor(world, { ...planted, names: isOfContainers ? [] : withoutContainers });
    expect(read(run)).toEqual(toOneFailure(fault, isOfContainers ? checkNames : withoutContainers));
  });

  test.concurrent.each(serviceFaults)("it is found that $name, and nothing else", async (fault) => {
    await using world = await openDoctorWorld();
    await using parts = new AsyncDisposableStack();
    const planted = await fault.plant(world);
    for (const part of planted.parts ?? []) parts.use(part);
    const config = world.configure(planted.changes);
    const run = await consultDoctor(config, { json: true, names: withoutContainers });
    expect(read(run)).toEqual(toOneFailure(fault, withoutContainers));
  });
});
