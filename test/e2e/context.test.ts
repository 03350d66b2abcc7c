import { afterAll, beforeAll, expect, test } from "vitest";
import { HELLO } from "../../src/demo/github/seeds.ts";
import type { ModelScript } from "../../src/demo/model-script.ts";
import { toPng } from "../helpers/pictures.ts";
import { startServeProcess } from "./serve-process.ts";
import { DONE, openWorld, until, type World } from "./world.ts";

const script: ModelScript = [
  { items: [{ kind: "shell", command: "date +%N >> made.txt" }] },
  { items: [{ kind: "say", text: `Made it.\n${DONE}` }] },
];
let world: World;
beforeAll(async () => {
  world = await openWorld({ script, github: { repositories: [{ ...HELLO, visibility: "private" }] } });
});
afterAll(() => world[Symbol.asyncDispose]());

/** Gives a command and waits for the end of its run; resolves with the first thing that the model was sent for it. */
async function command(body: string, options: { on?: number } = {}) {
  const before = world.model.requests.length;
  const commentId = await world.comment(body, options);
  const result = await world.nextResult();
  expect(await world.reported(commentId)).toBe("rocket");
  return { result, sent: JSON.stringify(world.model.requests[before]?.body) };
}

const say = (user: string, body: string): Promise<unknown> =>
  world.github.call({
    as: user,
    method: "POST",
    path: `/repos/${world.github.repository}/issues/${world.github.issueNumber}/comments`,
    body: { body },
  });

const toSent = (picture: Buffer): string => `"image_url":"data:image/png;base64,${picture.toString("base64")}"`;

test("pictures of a private repository's thread, what was said in it, and why its checks failed reach the model", async () => {
  const { github } = world;
  const { repository } = github;
  const [draft, today] = [toPng(10), toPng(20)];
  for (let index = 0; index < 110; index += 1) await say("rita-read", `SAID-${index}.`);
  await say("rita-read", `Today ![now](${github.attach({ repository, bytes: today })}) <!-- HIDDEN -->`);
  const asked = github.attach({ repository, bytes: draft });
  const missing = `${github.origin}/user-attachments/assets/00000000-0000-4000-8000-000000000000`;
  const first = await command(`/codex Make it look like ![draft](${asked}) and ![](${missing})`);
  expect(first.result.status).toBe("done");
  expect(first.sent).toContain("Make it look like [picture 1: draft] and [picture 2]");
  expect(first.sent.indexOf(toSent(today))).toBeGreaterThan(first.sent.indexOf(toSent(draft)));
  expect(first.sent).toContain("Attached, in this order: picture 1, picture 3.");
  expect(first.sent).toContain("Picture 2 is missing: GitHub answered 404.");
  expect(first.sent).toMatch(/SAID-0\.[^]*SAID-109\.[^]*Today \[picture 3: now\]/);
  expect(first.sent).not.toContain("HIDDEN");
  expect(first.sent).toContain("1 hidden piece of text was left out.");

  const number = first.result.pull_request?.number ?? 0;
  github.addFailedJob({
    ...{ repository, sha: first.result.commit ?? "", name: "unit tests" },
    log: "2026-01-01T00:00:00.0000000Z \u001b[31mExpected 1, got 2\u001b[0m\n2026-01-01T00:00:00.1Z ##[error]Exit 1\n",
  });
  github.addFailedJob({ repository, sha: first.result.commit ?? "", name: "lint", log: null });
  const second = await command("/codex Mend the checks", { on: number });
  expect(second.result).toMatchObject({ status: "done", pull_request: { number } });
  expect(second.sent).toContain(
    JSON.stringify("### unit tests: failure\n\nExpected 1, got 2\n##[error]Exit 1\n\n### lint: failure").slice(1, -1),
  );
  expect(second.sent).toContain("The log is not available");
  expect(second.sent).toContain("- made.txt (added, +1 -0)");
  expect(await github.listViolations()).toEqual([]);
});

test.each(["clone-half", "container-created", "agent-running"])(
  "a server killed at %s: the next one's agent has the pictures too",
  async (step) => {
    await using killed = await openWorld({ script, server: "stopped" });
    const { github, environment, model } = killed;
    const picture = toPng(10);
    const address = github.attach({ repository: github.repository, bytes: picture });
    await using dying = await startServeProcess({ environment: { ...environment, CODEX_ORCH_CRASH_AT: step } });
    await github.deliverComment({ url: dying.url, user: "octocat", body: `/codex Look at ![this](${address})` });
    await until("the crash", () => (dying.child.signalCode === "SIGKILL" ? true : undefined));
    await using _next = await startServeProcess({ environment });
    expect(await killed.nextResult()).toMatchObject({ status: "done", error: null });
    for (const { body } of model.requests) expect(JSON.stringify(body)).toContain(toSent(picture));
    expect(JSON.stringify(model.requests[0]?.body)).toContain("Attached, in this order: picture 1.");
  },
);
