import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { listMissingTools } from "./bare-script.ts";
import { measureBurst } from "./burst.ts";
import { compareWithBareScript } from "./compare.ts";
import { measureIngest } from "./ingest.ts";
import { measureMemory } from "./memory.ts";
import { measureQueue } from "./queue-curve.ts";

const LEAST_ROUNDS = 7;

const USAGE = `npm run bench [-- --rounds <number>] [-- --only speed|ingest|memory|queue|burst]

  speed    from a signed webhook to the pull request, next to a bare shell script
  ingest   20,000 files, 5 changed
  memory   300 MB of output from the container
  queue    taking the next run with 10 to 10,000 queued, in SQLite and in PostgreSQL
  burst    1,000 commands, each delivered twice, all at once`;

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
};

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    only: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(USAGE);
} else {
  const rounds = Math.max(LEAST_ROUNDS, Number.parseInt(values.rounds, 10) || 0);
  console.log(`Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown processor"}\n`);
  for (const [name, measure] of Object.entries(parts)) {
    if (values.only !== undefined && values.only !== name) continue;
    process.stderr.write(`${name}…\n`);
    for (const line of await measure({ rounds })) console.log(line);
    console.log("");
  }
}
