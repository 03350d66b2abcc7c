import { mkdtempSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { toJsonObject } from "../src/demo/github/json.ts";
import { HELLO, type Person } from "../src/demo/github/seeds.ts";
import { startGitHubStandIn, type GitHubStandIn } from "../src/demo/github/stand-in.ts";
import { toEnvironment } from "./burst.ts";
import { startServerProcess } from "./server-process.ts";
import { toMs, toTable } from "./statistics.ts";
import { waitUntil } from "./wait-until.ts";
import { prepareComment } from "./world.ts";

/** How many comments, and where; what is read of a pull request is more. */
const COMMENTS = { issue: 30, "pull-request": 10 };
/** How long GitHub takes to answer each request, in milliseconds. */
const ANSWER_AFTER_MS = 100;
/** Between two comments, in milliseconds: a comment's end is told before the next one comes. */
const PAUSE_MS = 3000;

/** From a comment's arrival to 👀 and to the run's first comment, again and again, with a GitHub that takes its time. */
export async function measureAnswer(): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "bench-answer-"));
  try {
    const people = Array.from({ length: COMMENTS.issue }, (_, index) => toPerson(index));
    const roles = Object.fromEntries(people.map(({ login }) => [login, "write" as const]));
    await using github = await startGitHubStandIn({
      people,
      repositories: [{ ...HELLO, roles }],
      answerAfterMs: ANSWER_AFTER_MS,
    });
    const runsPath = join(folder, "runs");
    await mkdir(runsPath, { mode: 0o750 });
    // No run gets further than the missing image: only what is said at first is looked at.
    await using server = await startServerProcess({ environment: toEnvironment(github, { runsPath }), folder });
    const options = { url: `${server.url}/api/github/webhooks`, people };
    const onIssue = await measureAll(github, { ...options, on: github.issueNumber, count: COMMENTS.issue });
    const on = await openPull(github);
    const onPull = await measureAll(github, { ...options, on, count: COMMENTS["pull-request"] });
    return [
      `commands, one after the other, with a GitHub that takes ${ANSWER_AFTER_MS} ms for every answer`,
      ...toTable([
        ["from the comment's arrival to", "comments", "p50", "p95 (aim: under 2,000 ms)", "slowest"],
        toRow("👀, on an issue", onIssue.eyes),
        toRow("the first comment, on an issue", onIssue.comments),
        toRow("👀, on a pull request", onPull.eyes),
        toRow("the first comment, on a pull request", onPull.comments),
      ]),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function toPerson(index: number): Person {
  return { login: `person-${index}`, id: 7_000_000 + index, name: `Person ${index}`, type: "User" };
}

async function openPull(github: GitHubStandIn): Promise<number> {
  const files = { "list.txt": "one\ntwo\n" };
  await github.git.commit(github.repository, { branch: "change", message: "Write a list\n", files });
  const path = `/repos/${github.repository}/pulls`;
  const body = { title: "Add a list", head: "change", base: "main" };
  const { body: pull } = await github.call({ as: "person-0", method: "POST", path, body });
  return Number(toJsonObject(pull)["number"]);
}

type MeasureOptions = { url: string; on: number };
type MeasureAllOptions = MeasureOptions & { people: Person[]; count: number };

async function measureAll(github: GitHubStandIn, { people, count, ...options }: MeasureAllOptions) {
  const eyes: number[] = [];
  const comments: number[] = [];
  for (const { login } of people.slice(0, count)) {
    const answered = await measureOne(github, { ...options, login });
    eyes.push(answered.eyesMs);
    comments.push(answered.commentMs);
    await sleep(PAUSE_MS);
  }
  return { eyes, comments };
}

async function measureOne(github: GitHubStandIn, options: MeasureOptions & { login: string }) {
  const comment = await prepareComment(github, { ...options, body: "/codex Do it" });
  const known = github.requests.length;
  const arrivedAtMs = performance.now();
  const isSeen = (path: RegExp): (() => number | null) => {
    const look = ({ method, path: at, actor }: GitHubStandIn["requests"][number]): boolean =>
      method === "POST" && actor === github.app.botLogin && path.test(at);
    return () => (github.requests.slice(known).some(look) ? performance.now() - arrivedAtMs : null);
  };
  const [eyesMs, commentMs] = await Promise.all([
    waitUntil(isSeen(/\/reactions$/), { what: "👀" }),
    waitUntil(isSeen(/\/issues\/\d+\/comments$/), { what: "the first comment" }),
    comment.deliver(),
  ]);
  await comment.reported();
  return { eyesMs, commentMs };
}

function toRow(name: string, values: readonly number[]): string[] {
  return [name, String(values.length), ...[0.5, 0.95, 1].map((part) => toMs(findRank(values, part)))];
}

/** The value that this part of all values does not exceed. */
function findRank(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * part) - 1] ?? Number.NaN;
}
