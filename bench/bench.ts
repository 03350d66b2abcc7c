import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { listMissingTools } from "./bare-script.ts";
import { measureAnswer } from "./answer.ts";
import { measureBurst } from "./burst.ts";
import { compareWithBareScript } from "./compare.ts";
import { measureIngest } from "./ingest.ts";
import { measureKillStorm } from "./kill-storm.ts";
import { measureMcpStart } from "./mcp-start.ts";
import { measureMemory } from "./memory.ts";
import { measureLongLog } from "./long-log.ts";
import { measureQueue } from "./queue-curve.ts";
import { measureRecovery } from "./recovery.ts";
import { measureViewers } from "./viewers.ts";
import { measureWorkers } from "./workers.ts";

const LEAST_ROUNDS = 7;

const USAGE = `npm run bench [-- --rounds <number>] [-- --only speed|ingest|memory|queue|burst|answer|recovery|workers|mcp|pages|kills]

  speed    from a signed webhook to the pull request, next to a bare shell script
  ingest   20,000 files, 5 changed
  memory   300 MB of output from the container
  queue    taking the next run with 10 to 10,000 queued, in SQLite and in PostgreSQL
  burst    1,000 commands, each delivered twice, all at once
  answer   from a comment to 👀 and to the run's first comment, with a slow GitHub
  recovery from a killed server's next start until its run goes on
  workers  the same runs with 1 to 4 workers
  mcp      from starting the MCP server over stdio to its first answer
  pages    the pages of a run with a log of 1 GB, and a run with 50 who watch it live
  kills    only when asked for: a server killed again and again under a mixed load
           [--kills 200] [--runs 50] [--database sqlite|postgres]`;

const parts = {
  speed: async ({ rounds }: { rounds: number }) => {
    const missing = listMissingTools();
    if (missing.length > 0) throw new Error(`the bare script needs ${missing.join(", ")} in PATH`);
    return compareWithBareScript({ rounds });
  },
  ingest: () => measureIngest({ rounds: LEAST_ROUNDS }),
  memory: () => measureMemory(),
  queue: () => measureQueue(),
  burst: () => measureBurst(),
  answer: () => measureAnswer(),
  recovery: () => measureRecovery(),
  workers: () => measureWorkers(),
  mcp: () => measureMcpStart(),
  pages: async () => [...(await measureLongLog()), "", ...(await measureViewers())],
};

/** Parts that take so long that they are measured only when they are named. */
const longParts = {
  kills: () =>
    measureKillStorm({
      kills: Number.parseInt(values.kills, 10),
      runs: Number.parseInt(values.runs, 10),
      database: values.database === "postgres" ? "postgres" : "sqlite",
    }),
};

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    only: { type: "string" },
    kills: { type: "string", default: "200" },
    runs: { type: "string", default: "50" },
    database: { type: "string", default: "sqlite" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(USAGE);
} else {
  const rounds = Math.max(LEAST_ROUNDS, Number.parseInt(values.rounds, 10) || 0);
  console.log(`Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown processor"}\n`);
  for (const [name, measure] of Object.entries({ ...parts, ...longParts })) {
    if (values.only === undefined ? name in longParts : values.only !== name) continue;
    process.stderr.write(`${name}…\n`);
    for (const line of await measure({ rounds })) console.log(line);
    console.log("");
  }
}
