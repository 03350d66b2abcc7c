import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Composition } from "../src/compose.ts";
import type { GitHubStandIn } from "../src/demo/github/stand-in.ts";
import type { RunRequest } from "../src/run/request.ts";
import { toShortId } from "../src/run/id.ts";
import type { RunRecord } from "../src/store/runs.ts";
import type { StormCommand } from "./storm-load.ts";

/** What the storm did; everything in the lists is told by a sentence. */
export type Verdict = {
  answered: number;
  ends: Map<string, number>;
  lost: string[];
  doubled: string[];
  leftovers: string[];
  unexpected: string[];
  requests: { made: number; expected: number; repeatedRuns: number };
  redeliveries: number;
};

export type Evidence = {
  github: GitHubStandIn;
  product: Composition;
  commands: StormCommand[];
  asked: ReadonlyMap<string, number>;
  /** What was seen of two containers of one run at the same moment. */
  containersAtOnce: readonly string[];
};

type Run = { record: RunRecord; request: RunRequest; command: StormCommand };

const Comments = z.array(z.object({ id: z.number(), body: z.string(), user: z.object({ login: z.string() }) }));
const Pulls = z.array(z.object({ number: z.number(), head: z.object({ ref: z.string() }) }));

/** Looks for runs with two containers at once, until it is disposed. */
export function watchDoubles({ engine, paths }: Composition): AsyncDisposable & { found: string[] } {
  const found: string[] = [];
  let looking: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    const containers = await engine.listRunContainers({ instanceId: paths.instance }).catch(() => []);
    for (const [runId, own] of Map.groupBy(containers, (container) => container.runId))
      if (own.length > 1)
        found.push(`${own.length} containers of ${runId} at once: ${own.map(({ id }) => id).join(", ")}`);
  };
  const timer = setInterval(() => (looking = looking.then(look)), 250);
  return {
    found,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await looking;
    },
  };
}

/** Compares what was asked for with what stands on record, on GitHub, on disk and on the engine. */
export async function judgeStorm(evidence: Evidence): Promise<Verdict> {
  const { github, product, commands, asked } = evidence;
  const attempts = github.listDeliveries();
  const arrived = new Set(attempts.filter(({ statusCode: code }) => code < 300).map(({ guid }) => guid));
  const answered = commands.filter(({ deliveryId }) => arrived.has(deliveryId));
  const runs = await readRuns(evidence);
  const verdict: Verdict = {
    answered: answered.length,
    ends: new Map(),
    lost: [],
    doubled: [...evidence.containersAtOnce],
    leftovers: await findLeft(evidence, runs),
    unexpected: [],
    requests: countRequests(runs, { asked }),
    redeliveries: attempts.length - new Set(attempts.map(({ guid }) => guid)).size,
  };
  for (const command of commands.filter(({ deliveryId }) => !arrived.has(deliveryId)))
    verdict.unexpected.push(`${command.name} was never answered with 2xx`);
  for (const command of answered) await judgeCommand(command, { ...evidence, runs, verdict });
  await judgeRepositories({ ...evidence, runs, verdict });
  if (product.config.databaseUrl === null) judgeFolders({ ...evidence, runs, verdict });
  return verdict;
}

/** The printed form. */
export function toVerdictLines({ answered, ends, requests, redeliveries, ...lists }: Verdict): string[] {
  const told = [...ends]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([status, count]) => `${count} ${status}`);
  const { made, expected, repeatedRuns } = requests;
  return [
    `${answered} commands answered with 2xx (${redeliveries} deliveries came again); ended: ${told.join(", ")}`,
    `lost ${lists.lost.length}, doubled ${lists.doubled.length}, leftovers ${lists.leftovers.length}, ended otherwise than they should ${lists.unexpected.length} (aim: 0 each)`,
    `the model was asked ${made} times for ${expected} (${repeatedRuns} runs asked again)`,
    ...Object.entries(lists).flatMap(([name, found]) => found.map((one) => `  ${name}: ${one}`)),
  ];
}

type Judging = Evidence & { runs: Run[]; verdict: Verdict };

async function readRuns({ product, commands }: Evidence): Promise<Run[]> {
  const runs: Run[] = [];
  for (const record of await product.store.list({ limit: 10_000 })) {
    const request = await product.store.request(record.runId);
    const command = commands.find(({ commentId, repository }) => {
      return repository === record.repo && commentId === request?.thread?.comment_id;
    });
    if (request === null || command === undefined) throw new Error(`nobody asked for run ${record.runId}`);
    runs.push({ record, request, command });
  }
  return runs;
}

/** A command that was answered has one run, one final comment and one last reaction. */
async function judgeCommand(command: StormCommand, { github, runs, verdict }: Judging): Promise<void> {
  const { name, repository, commentId, ends } = command;
  const [run, ...more] = runs.filter((one) => one.command === command);
  if (run === undefined) return void verdict.lost.push(`${name} made no run`);
  if (more.length > 0) verdict.doubled.push(`${name} made ${1 + more.length} runs`);
  const { record, request } = run;
  const status = record.result?.status ?? record.state;
  verdict.ends.set(status, (verdict.ends.get(status) ?? 0) + 1);
  if (status !== ends) {
    const why = JSON.stringify(record.result?.error ?? null);
    verdict.unexpected.push(`${name} (${record.runId}) ended ${status}, not ${ends}: ${why}`);
  }
  const path = `/repos/${repository}/issues/${request.thread?.number ?? 0}/comments?per_page=100`;
  const { body } = await github.call({ as: "octocat", method: "GET", path });
  const own = Comments.parse(body).filter((comment) => comment.user.login === github.app.botLogin);
  const [comment, ...others] = own.filter((one) => one.body.includes(`<!-- codex-run:${record.runId} -->`));
  if (others.length > 0) verdict.doubled.push(`${name} (${record.runId}) has ${1 + others.length} comments`);
  if (comment === undefined) verdict.lost.push(`${name} (${record.runId}) has no comment`);
  else if (!/\*\*(✅|❓|❌|⌛|⏹️) /u.test(comment.body)) {
    verdict.lost.push(`${name} (${record.runId}) has no final comment: ${comment.body.slice(0, 200)}`);
  }
  const reactions = github.listReactions(`/repos/${repository}/issues/comments/${commentId}/reactions`);
  const last = reactions.filter(({ content }) => content === "rocket" || content === "confused");
  if (last.length !== 1) verdict.unexpected.push(`${name} (${record.runId}) has ${last.length} last reactions`);
}

/** A run that publishes has one branch and one pull request; others have none. */
async function judgeRepositories({ github, runs, commands, verdict }: Judging): Promise<void> {
  for (const repository of new Set(commands.map((command) => command.repository))) {
    const refs = await github.git.listRefs(repository, "refs/heads/");
    const { body } = await github.call({
      as: "octocat",
      method: "GET",
      path: `/repos/${repository}/pulls?state=all&per_page=100`,
    });
    const pulls = Pulls.parse(body);
    const branches = refs.map(({ ref }) => ref.replace("refs/heads/", "")).filter((name) => name !== "main");
    for (const { record, command } of runs.filter((run) => run.command.repository === repository)) {
      const mark = toShortId(record.runId);
      const [own, opened] = [
        branches.filter((name) => name.includes(mark)),
        pulls.filter(({ head }) => head.ref.includes(mark)),
      ];
      const aim = command.publishes && record.result?.status === "done" ? 1 : 0;
      const what = `${command.name} (${record.runId}) has ${own.length} branches and ${opened.length} pull requests`;
      if (own.length > aim || opened.length > aim) verdict.doubled.push(what);
      else if (own.length < aim || opened.length < aim) verdict.lost.push(what);
    }
  }
}

/** Files of each run that is over; on several machines they are in the database. */
function judgeFolders({ product, runs, verdict }: Judging): void {
  for (const { record, command } of runs)
    if (!existsSync(join(product.paths.runFolder(record.runId), "result.json")))
      verdict.lost.push(`${command.name} (${record.runId}) has no result.json`);
}

function countRequests(runs: Run[], { asked }: Pick<Evidence, "asked">): Verdict["requests"] {
  let [made, expected, repeatedRuns] = [0, 0, 0];
  for (const { command } of runs) {
    const times = asked.get(command.name) ?? 0;
    made += times;
    expected += command.requests ?? times;
    if (command.requests !== null && times > command.requests) repeatedRuns++;
  }
  return { made, expected, repeatedRuns };
}

/** What no run that is over may leave on the engine, on disk or on record. */
async function findLeft({ product }: Evidence, runs: Run[]): Promise<string[]> {
  const { engine, paths, store } = product;
  const state = join(paths.runs, ".state");
  const containers = await engine.listRunContainers({ instanceId: paths.instance });
  const open = await store.listOpen();
  const known = new Set<string>(runs.map(({ record }) => record.runId));
  const files = readdirSync(paths.runs, { recursive: true }).map(String);
  const isLeft = (path: string): boolean =>
    /^\.state\/(work|sock)\/./.test(path) || /^\.state\/mirrors\/.*(refs\/orch\/.|\.draft$|\.lock$|\/tmp_)/.test(path);
  const orphans = readdirSync(paths.runs).filter((name) => !name.startsWith(".") && !known.has(name));
  return [
    ...containers.map(({ id, runId }) => `container ${id} of ${runId}`),
    ...open.map(({ runId }) => `run ${runId} is not closed`),
    ...files.filter(isLeft).map((path) => join(state, "..", path)),
    ...orphans.map((name) => `folder ${name} of no run`),
  ];
}
