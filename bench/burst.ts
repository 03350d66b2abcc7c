import { createHmac, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { isJsonObject, type JsonObject } from "../src/demo/github/json.ts";
import { HELLO, type Person } from "../src/demo/github/seeds.ts";
import { startGitHubStandIn, type GitHubStandIn } from "../src/demo/github/stand-in.ts";
import { toCommentPayload } from "../src/demo/github/webhook.ts";
import type { BurstJob } from "./burst-job.ts";
import { sendBurst } from "./send-burst.ts";
import { startServerProcess, type ServerProcess } from "./server-process.ts";
import { toMib, toMs } from "./statistics.ts";

const COMMANDS = 1000;
const PEOPLE = 100;
const PATH = "/api/github/webhooks";
const SAMPLE_EVERY_MS = 20;
/** How long the server may go on with what it took, so that this is part of its memory's peak. */
const WORK_ON_MS = 15_000;

/** 1,000 commands of 100 people, each delivered twice, all at once, to a server that was just started. */
export async function measureBurst(): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "bench-burst-"));
  try {
    const people = Array.from({ length: PEOPLE }, (_, index) => toPerson(index));
    const roles = Object.fromEntries(people.map(({ login }) => [login, "write" as const]));
    await using github = await startGitHubStandIn({ people, repositories: [{ ...HELLO, roles }] });
    const runsPath = join(folder, "runs");
    await mkdir(runsPath, { mode: 0o750 });
    await using server = await startServerProcess({ environment: toEnvironment(github, { runsPath }), folder });
    const deliveries = await prepareDeliveries(github, { people });
    const { peakBytes, cpuMs, burst } = await watchServer(server, () =>
      sendBurst({ port: Number(new URL(server.url).port), path: PATH, deliveries, times: 2, withinMs: 0 }),
    );
    const records = countRecords(join(runsPath, ".state", "orchestrator.db"));
    if (burst.statuses.some((status) => status !== 200)) throw new Error(`answered with ${burst.statuses.join(", ")}`);
    return [
      `${COMMANDS.toLocaleString("en")} commands, each delivered twice, all at once, to a server that was just started`,
      `answered after ${toMs(burst.p50)} (p50), ${toMs(burst.p99)} (p99, aim: under 1,000 ms), ${toMs(burst.max)} (slowest, aim: under 10,000 ms)`,
      `each cost the server ${(cpuMs / burst.answers).toFixed(2)} ms of processor time`,
      `${records.deliveries} deliveries on record (aim: ${COMMANDS}), ${records.runs} of them made runs within ${WORK_ON_MS / 1000} s`,
      `the server's memory was ${toMib(peakBytes)} at most (aim: under 512 MiB)`,
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function toPerson(index: number): Person {
  return { login: `person-${index}`, id: 7_000_000 + index, name: `Person ${index}`, type: "User" };
}

/** No run gets further than the missing image: only what comes in is looked at. */
export function toEnvironment(github: GitHubStandIn, { runsPath }: { runsPath: string }): Record<string, string> {
  const dockerHost = process.env["DOCKER_HOST"];
  return {
    OPENAI_API_KEY: "sk-bench-burst-0123456789abcdef",
    CODEX_IMAGE: "codex-runner:of-the-burst-bench",
    RUNS_PATH: runsPath,
    PORT: "0",
    APP_ID: String(github.app.id),
    PRIVATE_KEY: github.app.privateKey,
    WEBHOOK_SECRET: github.app.webhookSecret,
    GHE_HOST: github.host,
    GHE_PROTOCOL: "http",
    ...(dockerHost === undefined ? {} : { DOCKER_HOST: dockerHost }),
  };
}

/** The events of comments that differ in their number and in who wrote them. */
async function prepareDeliveries(
  github: GitHubStandIn,
  { people }: { people: Person[] },
): Promise<BurstJob["deliveries"]> {
  const home = `/repos/${github.repository}`;
  const [issue, repository, comments, author] = await Promise.all([
    read(github, `${home}/issues/${github.issueNumber}`),
    read(github, home),
    github.call({ as: "octocat", method: "GET", path: `${home}/issues/1/comments` }),
    read(github, "/users/octocat"),
  ]);
  const [first] = Array.isArray(comments.body) ? comments.body : [];
  if (!isJsonObject(first)) throw new Error("the stand-in's first issue has no comment");
  return Array.from({ length: COMMANDS }, (_, index) => {
    const { login, id } = people[index % people.length] ?? toPerson(0);
    const user = { ...author, login, id };
    const comment = { ...first, id: 90_000_000 + index, user, body: "/codex Do it" };
    const payload = toCommentPayload({ action: "created", comment, issue, repository }, github.origin);
    return toDelivery(JSON.stringify(payload), { secret: github.app.webhookSecret });
  });
}

async function read(github: GitHubStandIn, path: string): Promise<JsonObject> {
  const { status, body } = await github.call({ as: "octocat", method: "GET", path });
  if (status === 200 && isJsonObject(body)) return body;
  throw new Error(`${path}: ${status}`);
}

function toDelivery(body: string, { secret }: { secret: string }): BurstJob["deliveries"][number] {
  return {
    body,
    headers: {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      "x-github-event": "issue_comment",
      "x-github-delivery": randomUUID(),
      "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
    },
  };
}

/** Watches the server's memory during the burst and while it works on afterwards, and its processor time during the burst. */
async function watchServer<Result>(server: ServerProcess, send: () => Promise<Result>) {
  let peakBytes = server.readRssBytes();
  const timer = setInterval(() => (peakBytes = Math.max(peakBytes, server.readRssBytes())), SAMPLE_EVERY_MS);
  try {
    const beforeMs = server.readCpuMs();
    const burst = await send();
    const cpuMs = server.readCpuMs() - beforeMs;
    await sleep(WORK_ON_MS);
    return { peakBytes, cpuMs, burst };
  } finally {
    clearInterval(timer);
  }
}

function countRecords(path: string): { deliveries: number; runs: number } {
  const database = new DatabaseSync(path, { readOnly: true });
  const count = (table: string): number => Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"]);
  try {
    return { deliveries: count("deliveries"), runs: count("runs") };
  } finally {
    database.close();
  }
}
