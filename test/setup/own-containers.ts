import { existsSync } from "node:fs";
import Docker from "dockerode";

/** Every container and network of a run carries this label, whose value is the run's id. */
const runLabel = "codex-orchestrator.run";
const filters = JSON.stringify({ label: [runLabel] });

/**
 * The containers of runs that these tests started: others may use the same engine, so those count that were made since
 * then and mount no folder from outside the tests' own. None when no engine answers.
 */
export async function listOwnContainers(options: { folder: string; startedAtMs: number }): Promise<string[]> {
  const containers = await askOrNone((docker) => docker.listContainers({ all: true, filters }));
  return containers
    .filter(({ Created }) => Created * 1000 >= options.startedAtMs - 1000)
    .filter(({ Mounts }) => Mounts.every(({ Type, Source }) => Type !== "bind" || Source.startsWith(options.folder)))
    .map(({ Id, Names, State }) => `container ${Names[0] ?? Id} (${State})`);
}

/** Removes the containers of runs that were made since then and whose folders are gone: tests that ended early left them. */
export async function removeOrphans({ startedAtMs }: { startedAtMs: number }): Promise<void> {
  const containers = await askOrNone((docker) => docker.listContainers({ all: true, filters }));
  const orphans = containers
    .filter(({ Created }) => Created * 1000 >= startedAtMs - 1000)
    .filter(({ Mounts }) => Mounts.some(({ Type, Source }) => Type === "bind" && !existsSync(Source)));
  const docker = new Docker();
  await Promise.all(orphans.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })));
}

/** The networks of runs that were made since the tests began. None when no engine answers. */
export async function listOwnNetworks({ startedAtMs }: { startedAtMs: number }): Promise<string[]> {
  const networks = await askOrNone((docker) => docker.listNetworks({ filters }));
  return networks.filter(({ Created }) => Date.parse(Created) >= startedAtMs).map(({ Name }) => `network ${Name}`);
}

async function askOrNone<T>(ask: (docker: Docker) => Promise<T[]>): Promise<T[]> {
  const docker = new Docker();
  const isThere = await docker.ping().then(
    () => true,
    () => false,
  );
  return isThere ? ask(docker) : [];
}
