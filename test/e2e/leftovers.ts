import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { World } from "./world.ts";
import { until } from "./world.ts";

/** What a run must not leave behind: containers, workspaces, sockets, folders named .git. Empty when all is gone. */
export async function findLeftovers({ server, runsPath }: World): Promise<string[]> {
  const { engine, paths } = server.product;
  const containers = await engine.listRunContainers({ instanceId: paths.instance });
  const files = readdirSync(runsPath, { recursive: true }).map(String);
  const isLeft = (path: string): boolean => /(^|\/)\.git$|^\.state\/(work|sock)\/./.test(path);
  return [
    ...containers.map(({ id }) => `container ${id}`),
    ...files.filter(isLeft).map((path) => join(runsPath, path)),
  ];
}

/** Waits until nothing is left, and gives what still is after ten seconds. */
export async function waitForNothingLeft(world: World): Promise<string[]> {
  let left: string[] = [];
  await until("nothing left", async () => ((left = await findLeftovers(world)).length === 0 ? true : undefined), {
    withinMs: 60_000,
  }).catch(() => {});
  return left;
}
