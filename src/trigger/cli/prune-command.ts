import type { Command } from "commander";
import { sumBytes, type Pruned, type PrunedRun, type PruneReport } from "../../retention/report.ts";
import { parseDurationS } from "../../text/duration.ts";
import { toSizeText } from "../../text/size.ts";
import { UsageError, type Product, type Terminal } from "./product.ts";

export type PruneFlags = {
  olderThan?: string | undefined;
  dryRun?: boolean | undefined;
  json?: boolean | undefined;
};

const DAY_S = 86_400;

/** Adds `runs prune`. */
export function addPrune(runs: Command, { prune }: { prune: (flags: PruneFlags) => Promise<void> }): void {
  runs
    .command("prune")
    .description("Remove runs that ended long ago, with all their files, and mirrors that no run used since.")
    .option("--older-than <time>", "how long ago, such as 30d or 12h (default: RETENTION_DAYS)")
    .option("--dry-run", "only say what would be removed")
    .option("--json", "print JSON")
    .action(prune);
}

/** Removes what was kept long enough, and prints what that was. Resolves with the exit code. */
export async function pruneFromTerminal(
  product: Product,
  { flags, terminal, now = new Date() }: { flags: PruneFlags; terminal: Terminal; now?: Date },
): Promise<number> {
  const ageS = flags.olderThan === undefined ? product.config.retentionDays * DAY_S : toAgeS(flags.olderThan);
  const before = new Date(now.getTime() - ageS * 1000);
  const report = await product.prune({ before, how: flags.dryRun === true ? "look" : "remove" });
  if (report === "busy") throw new UsageError("Another process is removing old runs; try again in a minute.");
  terminal.out.write(flags.json === true ? `${JSON.stringify(toDocument(report), null, 2)}\n` : toText(report));
  for (const failure of report.failures) terminal.err.write(`${failure}.\n`);
  return report.failures.length === 0 ? 0 : 1;
}

/** Seconds of `30d`, `12h` or `0d`. */
function toAgeS(text: string): number {
  const days = /^(\d{1,5})d$/.exec(text)?.[1];
  const ageS = days === undefined ? parseDurationS(/^\d+$/.test(text) ? "" : text) : Number(days) * DAY_S;
  if (ageS === null) throw new UsageError("--older-than must be a time such as 30d or 12h.");
  return ageS;
}

function toDocument(report: PruneReport) {
  return {
    dry_run: report.how === "look",
    before: report.before.toISOString(),
    runs: report.runs.map(({ runId, repo, status, endedAt, bytes }) => ({
      ...{ run_id: runId, repo, status, ended_at: endedAt, bytes },
    })),
    folders: report.folders,
    mirrors: report.mirrors,
    set_up_layers: report.setUpLayers,
    images: report.images,
    deliveries: report.deliveries,
    failures: report.failures,
    freed_bytes: sumBytes(report),
  };
}

function toText(report: PruneReport): string {
  const { how, before, runs, folders, mirrors, setUpLayers, images, deliveries } = report;
  const day = before.toISOString().slice(0, 16).replace("T", " ");
  const lines = [
    ...toPart(`Runs that ended before ${day} UTC`, runs.map(toRunItem)),
    ...toPart("Folders of runs that no record names", folders),
    ...toPart("Mirrors of repositories that no run used since", mirrors),
    ...toPart("Set-up layers that no run used since, or for 14 days", setUpLayers),
    ...toPart("Runner images built before that, with what they share with later ones", images),
  ];
  if (deliveries > 0) lines.push(`Contents of webhooks: ${deliveries}`);
  if (lines.length === 0) return `Nothing is older than ${day} UTC.\n`;
  const size = toSizeText(sumBytes(report));
  return `${[...lines, how === "look" ? `${size} would be freed.` : `${size} freed.`].join("\n")}\n`;
}

function toPart(what: string, items: Pruned[]): string[] {
  if (items.length === 0) return [];
  const bytes = items.reduce((sum, item) => sum + item.bytes, 0);
  return [
    `${what} (${items.length}): ${toSizeText(bytes)}`,
    ...items.map((item) => `  ${toSizeText(item.bytes).padStart(10)}  ${item.name}`),
  ];
}

function toRunItem({ runId, endedAt, status, repo, bytes }: PrunedRun): Pruned {
  const ended = endedAt.slice(0, 19).replace("T", " ");
  return { name: [runId, ended, status.padEnd(10), repo].join("  "), bytes };
}
