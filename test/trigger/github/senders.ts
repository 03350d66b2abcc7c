import { createPayload } from "./comment-payload.ts";
import { send, toHeaders, type Answer } from "./gate-server.ts";

/**
 * Sends signed comments from a process of its own, so that only the server's time is looked at, and prints a `Burst`.
 * Arguments: port, the comment's text, how many comments, by how many people, how often each, within how many milliseconds.
 */
const [port = "", text = "", ...numbers] = process.argv.slice(2);
const [comments = 0, people = 1, times = 1, withinMs = 0] = numbers.map(Number);

const bodies = Array.from({ length: comments }, (_, index) => {
  const id = (index % people) + 1;
  const user = { id, login: `person-${id}`, type: "User" };
  return JSON.stringify(createPayload({ body: text, commentId: index + 1, user }));
});
const deliver = (body: string): Promise<Answer> =>
  send(Number(port), { path: "/api/github/webhooks", headers: toHeaders(body), body });

const warmUp = JSON.stringify(createPayload({ body: "Nothing to do" }));
for (let sent = 0; sent < 20; sent++) await deliver(warmUp);

const startedAt = performance.now();
const answers = await Promise.all(
  Array.from({ length: times }, () => bodies)
    .flat()
    .map(async (body, index, all) => {
      const delayMs = startedAt + (withinMs * index) / all.length - performance.now();
      if (delayMs > 1) await new Promise((resolve) => setTimeout(resolve, delayMs));
      return deliver(body);
    }),
);
const sorted = answers.map(({ ms }) => Math.round(ms)).sort((a, b) => a - b);
const toPercentile = (percent: number): number => sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? 0;

export type Burst = { answers: number; statuses: number[]; p50: number; p99: number; max: number };
const burst: Burst = {
  answers: answers.length,
  statuses: [...new Set(answers.map(({ status }) => status))],
  p50: toPercentile(50),
  p99: toPercentile(99),
  max: toPercentile(100),
};
process.stdout.write(JSON.stringify(burst));
