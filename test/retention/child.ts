import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, statfsSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv, stdout } from "node:process";
import { compose } from "../../src/compose.ts";
import { readConfig } from "../../src/config.ts";
import { waitForFullDisk } from "../../src/container/watch-disk.ts";
import { openReadyRoute } from "../../src/compose/ready-route.ts";
import { RunError } from "../../src/run/failure.ts";
import { startWebServer } from "../../src/web/server.ts";
import { openMirror } from "../../src/workspace/mirror.ts";
import { createRequest } from "../helpers/requests.ts";
import { createOldRunId, layFolder, toDaysAgo } from "./retention-world.ts";

// Runs with a small disk of its own as RUNS_PATH (argv[2]), fills it, and prints what the product says at each step.
const folder = argv[2] ?? "";
const environment = {
  OPENAI_API_KEY: "sk-test-0123456789",
  DOCKER_HOST: `unix://${join(folder, "none.sock")}`,
  RUNS_PATH: join(folder, "runs"),
  LOG_LEVEL: "silent",
};
await using product = await compose({
  config: readConfig({ environment, folder }),
  role: "run",
  createReporter: () => null,
});
const { mirrors } = product.paths;
const [old, used] = [join(mirrors, "old.git"), join(mirrors, "used.git")];
for (const path of [old, used]) {
  await openMirror(path);
  writeFileSync(join(path, "pack"), Buffer.alloc(4 * 1024 ** 2, 1));
}
const hourAgo = new Date(Date.now() - 7_200_000);
utimesSync(old, hourAgo, hourAgo);

const demand = (): Promise<unknown> =>
  product.disk.demandRoom().then(
    () => "room",
    (error: unknown) => (error instanceof RunError ? { ...error.failure } : String(error)),
  );

/** Fills the disk up to so many free bytes. */
function fill(name: string, freeBytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  writeFileSync(join(folder, name), Buffer.alloc(bavail * bsize - freeBytes, 1));
}

async function isReady(): Promise<unknown> {
  const routes = [openReadyRoute(product)];
  await using web = await startWebServer({ host: "127.0.0.1", port: 0, routes, onError: () => {} });
  const { checks } = JSON.parse(await (await fetch(`http://127.0.0.1:${web.port}/readyz`)).text());
  return checks.find(({ name }: { name: string }) => name === "disk");
}

/** What a run comes to that is asked for now. */
async function runOnce(): Promise<unknown> {
  const { run_id: _id, accepted_at: _at, ...run } = createRequest({ repository: { kind: "local", path: folder } });
  await product.orchestrator.start();
  const accepted = await product.orchestrator.accept({ ...run, thread: null });
  return accepted.kind === "accepted" ? (await product.orchestrator.settled(accepted.runId)).error : accepted;
}

/** What a prune says of a folder that something holds, and of another one. */
async function pruneHeld(): Promise<unknown> {
  const [held, free] = [createOldRunId(40), createOldRunId(40)];
  for (const runId of [held, free]) layFolder(product.paths.runFolder(runId), { daysAgo: 31, bytes: 100 });
  const path = product.paths.runFolder(held);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=4k", "none", path]);
  utimesSync(path, toDaysAgo(31), toDaysAgo(31));
  const report = await product.prune({ before: toDaysAgo(30), how: "remove" });
  execFileSync("umount", [path]);
  if (report === "busy") return report;
  const { folders, failures } = report;
  return {
    held,
    free,
    folders: folders.map(({ name }) => name),
    failures,
    isFreeThere: existsSync(product.paths.runFolder(free)),
  };
}

/** What is said while something holds the one mirror that could go. */
async function demandHeld(): Promise<unknown> {
  const { mtime } = statSync(old);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=4k", "none", old]);
  utimesSync(old, mtime, mtime);
  const said = await demand();
  execFileSync("umount", [old]);
  return said;
}

const pruned = await pruneHeld();
const empty = { look: await product.disk.look(), demand: await demand() };
fill("first", 5 * 1024 ** 2);
const low = { look: await product.disk.look(), ready: await isReady(), oldStays: existsSync(old) };
const held = await demandHeld();
const relieved = { demand: await demand(), oldStays: existsSync(old), usedStays: existsSync(used) };
fill("second", 5 * 1024 ** 2);
const full = { demand: await demand(), usedStays: existsSync(used), ready: await isReady(), run: await runOnce() };
for (const name of ["first", "second"]) rmSync(join(folder, name));
mkdirSync(join(folder, "many"));
for (let n = statfsSync(folder).ffree; n > 50; n--) writeFileSync(join(folder, "many", String(n)), "");
const guard = { paths: [folder], limitBytes: Infinity, reserveBytes: 0 };
const watching = AbortSignal.timeout(20_000);
const files = {
  look: await product.disk.look(),
  demand: await demand(),
  working: await waitForFullDisk(guard, { watching }).then(() => "stopped"),
};
stdout.write(JSON.stringify({ pruned, empty, low, held, relieved, full, files }));
