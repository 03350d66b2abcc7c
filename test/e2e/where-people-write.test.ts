import { afterAll, beforeAll, expect, test } from "vitest";
import type { Talk } from "../../src/demo/github/talk-deliverer.ts";
import type { ModelScript } from "../../src/demo/model-script.ts";
import { DONE, openWorld, until, type World } from "./world.ts";

/** Commands on a line, in a review, in an opening text and by a label: each works where it stands, and is answered there. */
let script: ModelScript = [];
let world: World;
let pull = 0;

const doing = (command: string): ModelScript => [
  { items: [{ kind: "shell", command }] },
  { items: [{ kind: "say", text: `Done as asked.\n${DONE}` }] },
];

beforeAll(async () => {
  world = await openWorld({ script: () => script });
  const { github } = world;
  const files = { ".github/codex.yml": "label_trigger: codex\nallow: [rita-read]\n" };
  await github.git.commit(github.repository, { branch: "main", message: "Set Codex up\n", files });
  const change = { "list.txt": "one\ntwo\nthree\n" };
  await github.git.commit(github.repository, { branch: "change", message: "List\n", files: change });
  const body = { title: "Add a list", head: "change", base: "main" };
  const opened = await github.call({ as: "octocat", method: "POST", path: `/repos/${github.repository}/pulls`, body });
  pull = Number(Object(opened.body).number);
});
afterAll(async () => {
  const violations = await world.github.listViolations();
  await world[Symbol.asyncDispose]();
  expect(violations).toEqual([]);
});

const say = (talk: Talk, user = "octocat") =>
  world.github.deliverTalk({ ...talk, user, url: `${world.server.url}/api/github/webhooks` });
const reacted = (path: string) =>
  until(`the last reaction at ${path}`, () => {
    const contents = world.github.listReactions(path).map(({ content }) => content);
    return contents.some((content) => content === "rocket" || content === "confused" || content === "-1")
      ? contents
      : undefined;
  });
const read = async (path: string): Promise<{ body: string; in_reply_to_id?: number }[]> => {
  const answer = await world.github.call({
    as: "octocat",
    method: "GET",
    path: `/repos/${world.github.repository}${path}`,
  });
  return Object(answer.body) as { body: string; in_reply_to_id?: number }[];
};
const repository = () => `/repos/${world.github.repository}`;

test("a comment on a line changes the pull request; it is told, and answered, on the line", async () => {
  script = doing("sed -i s/two/zwei/ list.txt");
  const { id } = await say({
    kind: "line-comment",
    pull,
    path: "list.txt",
    line: 2,
    body: "/codex In German, please",
  });
  const result = await world.nextResult();
  expect(result).toMatchObject({ status: "done", branch: "change", output: { files_changed: ["list.txt"] } });
  expect(world.file(result, "request.json")).toContain("+two");
  expect(await reacted(`${repository()}/pulls/comments/${id}/reactions`)).toEqual(["eyes", "rocket"]);
  const replies = (await read(`/pulls/${pull}/comments`)).filter(({ in_reply_to_id: to }) => to === id);
  expect(replies.map(({ body }) => body)).toEqual([expect.stringMatching(/^<!-- codex-run:[^]*Done as asked/)]);
  expect(await read(`/issues/${pull}/comments`)).toEqual([]);
});

test("a reply further down in the thread goes on with it; a mistake is named there", async () => {
  const [first] = await world.github
    .call({ as: "octocat", method: "GET", path: `${repository()}/pulls/${pull}/comments` })
    .then(({ body }) => (Array.isArray(body) ? body : []));
  const to = Number(Object(first).id);
  const wrong = await say({ kind: "line-reply", pull, to, body: "/codex --mode turbo Also the others" });
  expect(await reacted(`${repository()}/pulls/comments/${wrong.id}/reactions`)).toEqual(["confused"]);
  const last = (await read(`/pulls/${pull}/comments`)).at(-1);
  expect(last).toMatchObject({ in_reply_to_id: to, body: expect.stringContaining("--mode") });
});

test("a review whose text and line both hold commands makes two runs", { timeout: 180_000 }, async () => {
  script = doing("date +%N >> list.txt");
  const comments = [{ path: "list.txt", line: 1, body: "/codex Begin with a date" }];
  const { said, deliveries } = await say({ kind: "review", pull, body: "/codex End with a date", comments });
  const results = [await world.nextResult(), await world.nextResult()];
  expect(results.map(({ status, branch }) => [status, branch])).toEqual([
    ["done", "change"],
    ["done", "change"],
  ]);
  expect(new Set(results.map(({ trigger }) => trigger.url)).size).toBe(2);
  expect(await reacted(`/nodes/${String(said["node_id"])}/reactions`)).toEqual(["eyes", "rocket"]);
  const onLine = Number(Object(deliveries[1]?.payload["comment"]).id);
  expect(await reacted(`${repository()}/pulls/comments/${onLine}/reactions`)).toEqual(["eyes", "rocket"]);
  expect((await read(`/issues/${pull}/comments`)).map(({ body }) => body)).toEqual([
    expect.stringContaining("Done as asked"),
  ]);
});

test("an issue that is opened with a command becomes a pull request", async () => {
  script = doing("echo hello > hello.txt");
  const { said } = await say({
    kind: "issue",
    title: "A greeting",
    body: "/codex Write hello.txt\n\nwith a hello in it",
  });
  const result = await world.nextResult();
  expect(result.pull_request).not.toBeNull();
  expect(result.branch).toMatch(new RegExp(`^codex/${String(said["number"])}-`));
  expect(await reacted(`${repository()}/issues/${String(said["number"])}/reactions`)).toEqual(["eyes", "rocket"]);
});

test("the label starts a run with the issue as its prompt, by whom the settings allow; others get 👎", async () => {
  script = doing("echo bye > bye.txt");
  const { said } = await say({ kind: "issue", title: "A farewell", body: "There should be a bye.txt." }, "tara-triage");
  const issue = Number(said["number"]);
  await say({ kind: "label", issue, label: "bug" }, "rita-read");
  await say({ kind: "label", issue, label: "codex" }, "rita-read");
  const result = await world.nextResult();
  expect(result).toMatchObject({ status: "done", trigger: { actor: "rita-read" } });
  expect(result.pull_request).not.toBeNull();
  expect(JSON.parse(world.file(result, "request.json"))).toMatchObject({
    prompt: "A farewell\n\nThere should be a bye.txt.",
  });
  expect(await reacted(`${repository()}/issues/${issue}/reactions`)).toEqual(["eyes", "rocket"]);

  const other = await say({ kind: "issue", title: "Another", body: "Do it." }, "tara-triage");
  await say({ kind: "label", issue: Number(other.said["number"]), label: "codex" }, "tara-triage");
  expect(await reacted(`${repository()}/issues/${String(other.said["number"])}/reactions`)).toEqual(["-1"]);
});
