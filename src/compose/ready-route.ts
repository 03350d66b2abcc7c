import type { Composition } from "../compose.ts";
import { createReadyRoute, type ReadyCheck } from "../web/readyz.ts";
import type { Route } from "../web/server.ts";
import { toDiskMend, toShortageText } from "../workspace/disk-reserve.ts";

const DOCKER_MEND = "Start the Docker engine, or set DOCKER_HOST; `codex-orchestrator doctor` tells more.";
const DATABASE_MEND = "Start the database server, or look at DATABASE_URL, RUNS_PATH and the server's log.";
const DISK_MEND = "Look at the disk of RUNS_PATH, and at the server's log.";

const MODEL_MEND =
  "See the log for what the model API said; `codex-orchestrator doctor` asks it. One run tries by itself.";

/** The route that says whether runs can be taken here. */
export function openReadyRoute(product: Composition): Route {
  return createReadyRoute({
    checks: toChecks(product),
    onError: (err, { check }) => product.log.warn({ err, check }, "a check of readiness failed"),
  });
}

function toChecks({ engine, config, store, breaker, disk }: Composition): ReadyCheck[] {
  return [
    { name: "docker", mend: DOCKER_MEND, check: () => engine.ping().then(() => null, toEngineAway) },
    {
      name: "image",
      mend: DOCKER_MEND,
      check: async () => {
        const image = await engine.readImage(config.image).catch(() => "unknown" as const);
        if (image === "unknown") return { detail: "Docker could not be asked for the image.", mend: DOCKER_MEND };
        const mend = "Build it with `codex-orchestrator image build`, or set CODEX_IMAGE.";
        return image === null ? { detail: `The image ${config.image} is missing.`, mend } : null;
      },
    },
    {
      name: "disk",
      mend: DISK_MEND,
      check: async () => {
        const shortage = await disk.look();
        if (shortage === null) return null;
        const detail = `No run is begun: ${toShortageText(shortage)}.`;
        return { detail, mend: toDiskMend(shortage) };
      },
    },
    {
      name: "database",
      mend: DATABASE_MEND,
      check: async () => {
        await store.list({ limit: 1 });
        return null;
      },
    },
    {
      name: "queue",
      mend: DATABASE_MEND,
      check: async () => {
        const { waiting } = await store.measureQueue();
        const detail = `${waiting} runs wait, as many as MAX_QUEUED_RUNS allows: further ones are refused.`;
        const mend = "Wait, raise MAX_CONCURRENT_RUNS, add workers, or raise MAX_QUEUED_RUNS.";
        return waiting >= config.concurrency.maxQueued ? { detail, mend } : null;
      },
    },
    {
      name: "model",
      mend: MODEL_MEND,
      check: async () => {
        const state = breaker.state();
        if (state.kind !== "open") return null;
        return { detail: `The last runs ended with ${state.why.reason}, so new ones wait.`, mend: MODEL_MEND };
      },
    },
  ];
}

function toEngineAway(): { detail: string; mend: string } {
  return { detail: "The Docker engine cannot be reached.", mend: DOCKER_MEND };
}
