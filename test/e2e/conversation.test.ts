import { afterAll, beforeAll, expect, test } from "vitest";
import type { ModelScript } from "../../src/demo/model-script.ts";
import type { RunRecord } from "../../src/store/runs.ts";
import { DONE, openWorld, until, type World } from "./world.ts";

const long: ModelScript = [
  { items: [{ kind: "shell", command: "echo more > more.txt; sleep 60" }] },
  { items: [{ kind: "say", text: DONE }] },
];
const work = (name: string): ModelScript => [
  { items: [{ kind: "shell", command: `echo ${name} > ${name}.txt` }] },
  { items: [{ kind: "say", text: `Made ${name}.\n${DONE}` }] },
];
let script: ModelScript = long;
let world: World;
beforeAll(async () => (world = await openWorld({ script: () => script })));
afterAll(() => world[Symbol.asyncDispose]());

/** Says something in the thread; resolves with our answer to it, once its reaction is there. */
async function ask(body: string, options: { user?: string } = {}): Promise<string> {
  const before = (await world.botComments()).length;
  const commentId = await world.comment(body, options);
  const reaction = await world.reported(commentId);
  const answers = (await world.botComments()).slice(before);
  return `${reaction}: ${answers.join("\n").replace(/<!--.*?-->\n*/g, "")}`;
}

const short = ({ runId }: RunRecord): string => runId.slice(-8);
const runs = (): Promise<RunRecord[]> => world.server.product.store.list({ limit: 10 });

async function inState(index: number, state: string): Promise<RunRecord> {
  return until(`the run ${index} ${state}`, async () => {
    const run = (await runs()).toReversed()[index];
    return run?.state === state ? run : undefined;
  });
}

test("a thread can be asked how it stands, be stopped, told to try again, and to publish", async () => {
  expect(await ask("/codex status")).toBe("rocket: No run was started here yet: `/codex <prompt>` starts one.");
  expect(await ask("/codex cancel")).toMatch(/^confused: Nothing is running/);

  await world.comment("/codex Take long");
  const first = await inState(0, "running");
  await world.comment("/codex Take long again");
  const second = await inState(1, "queued");
  const standing = await ask("/codex status");
  expect(standing).toMatch(
    new RegExp(`^rocket: [^]*Runs of this thread[^]*${short(second)}\` \\*\\*queued\\*\\*, position 1`),
  );
  expect(standing).toContain(`\`${short(first)}\` **running**`);

  expect(await ask("/codex cancel")).toContain(`Run \`${short(second)}\`: The run was cancelled before it started.`);
  expect(await ask(`/codex cancel ${short(first)}`)).toMatch(/^rocket: [^]*Run `.*cancelled/);
  expect(await ask(`/codex cancel ${short(first)}`)).toMatch(/^confused: .*over already/);
  expect(await ask("/codex cancel 01234567")).toMatch(/^confused: There is no run `01234567` in this thread/);

  script = work("again");
  await world.comment(`/codex retry ${short(first)}`);
  const again = await inState(2, "done");
  expect(again.result).toMatchObject({ trigger: { actor: "octocat" }, output: { files_changed: ["again.txt"] } });
  expect(again.result?.pull_request?.number).toEqual(expect.any(Number));

  script = work("suggested");
  await world.comment("/codex --mode suggest Suggest something");
  const suggested = await inState(3, "done");
  expect(suggested.result?.pull_request).toBeNull();
  expect(await ask("/codex publish")).toMatch(
    new RegExp(`^rocket: [^]*Published the run \`${short(suggested)}\`: \\[#\\d+\\]`),
  );
  expect((await inState(3, "done")).result?.pull_request?.number).toEqual(expect.any(Number));
  expect(await ask("/codex publish")).toMatch(/^confused: No run of this thread kept changes/);
  expect(await ask("/codex retry ffffffff")).toMatch(/^confused: There is no run `ffffffff`/);
  expect(await world.github.listViolations()).toEqual([]);
});

test(
  "CM-033: three cancels within a second are one, and nobody who may not write can cancel",
  { timeout: 60_000 },
  async () => {
    script = long;
    const before = (await runs()).length;
    await world.comment("/codex Take long once more");
    const run = await inState(before, "running");
    const denied = await world.comment("/codex cancel", { user: "tara-triage" });
    await until("the refusal", () =>
      world.github
        .listReactions(`/repos/${world.github.repository}/issues/comments/${denied}/reactions`)
        .find(({ content }) => content === "-1"),
    );
    expect((await inState(before, "running")).runId).toBe(run.runId);
    const comments = await Promise.all([1, 2, 3].map(() => world.comment("/codex cancel")));
    await Promise.all(comments.map((id) => world.reported(id)));
    expect((await inState(before, "cancelled")).runId).toBe(run.runId);
  },
);

test("an answer goes on with the thread that asked, and words on its pull request with its branch", async () => {
  const first = (await runs()).length;
  script = [
    { items: [{ kind: "shell", command: "echo draft > draft.txt" }] },
    { items: [{ kind: "say", text: "Which library: A or B?\n::MCP_STATUS::NEED_USER" }] },
  ];
  await world.comment("/codex Pick a library FIRST-PROMPT");
  const asked = await inState(first, "need_user");
  script = work("choice");
  await world.comment("/codex Take B");
  const answered = await inState(first + 1, "done");
  expect(answered.result?.codex?.thread_id).toBe(asked.result?.codex?.thread_id);
  expect(answered.result?.output.files_changed).toEqual(["choice.txt", "draft.txt"]);
  expect(JSON.stringify(world.model.requests.at(-1)?.body)).toContain("FIRST-PROMPT");

  const number = answered.result?.pull_request?.number ?? 0;
  script = work("further");
  await world.comment("/codex Go further", { on: number });
  const further = await inState(first + 2, "done");
  expect(further.result).toMatchObject({ branch: answered.result?.branch, pull_request: { number } });
  expect(further.result?.codex?.thread_id).toBe(asked.result?.codex?.thread_id);

  script = [
    { items: [{ kind: "shell", command: "echo half > half.txt" }] },
    { items: [{ kind: "say", text: "Left or right? SECOND-QUESTION\n::MCP_STATUS::NEED_USER" }] },
  ];
  await world.comment("/codex Turn somewhere", { on: number });
  expect((await inState(first + 3, "need_user")).result).toMatchObject({ branch: null, commit: null });
  script = work("left");
  await world.comment("/codex Left", { on: number });
  const turned = await inState(first + 4, "done");
  expect(turned.result).toMatchObject({ branch: answered.result?.branch, pull_request: { number } });
  expect(turned.result?.output.files_changed).toEqual(["half.txt", "left.txt"]);
  expect(JSON.stringify(world.model.requests.at(-1)?.body)).toContain("SECOND-QUESTION");

  const refused = await world.comment("/codex --branch other Go elsewhere", { on: number });
  expect(await world.reported(refused)).toBe("confused");
});
