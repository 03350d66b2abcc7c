import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  install,
  listExamples,
  PERSON,
  startRealServer,
  toCommand,
  type Example,
  type RealServer,
} from "./real-payloads.ts";

const COMMAND_EVENTS = [
  "issue_comment",
  "pull_request_review",
  "pull_request_review_comment",
  "issues",
  "pull_request",
];

/** What may start a run once its text is a command and the App is installed; nothing that is not named here may. */
const STARTERS = [
  "issue_comment.created",
  "pull_request_review_comment.created",
  "pull_request_review.submitted",
  "issues.opened",
  // With the label that the settings name.
  "issues.labeled",
];

const all = listExamples();
const examples = all.filter(({ event }) => COMMAND_EVENTS.includes(event));

let server: RealServer;
beforeEach(async () => {
  server = await startRealServer({ personId: PERSON.id });
});
afterEach(() => server[Symbol.asyncDispose]());

const toTitle = ({ event, payload, index }: Example): string => `${event}.${payload.action} (${index})`;
const toName = ({ event, payload }: Example): string => `${event}.${payload.action}`;
const listWrites = (): string[] =>
  server.calls.filter(({ method }) => method !== "GET").map(({ method, path }) => `${method} ${path}`);

test("there are examples of everything that can hold a command", () => {
  expect(new Set(examples.map(toName))).toEqual(new Set([...examples.map(toName), ...STARTERS]));
  expect(examples.length).toBeGreaterThanOrEqual(76);
});

test("every example of every event is answered with 2xx, with the App installed or not, and starts and writes nothing", async () => {
  for (const example of all) {
    for (const payload of [example.payload, install(example.payload)]) {
      const { status } = await server.deliver(example.event, payload);
      expect([toTitle(example), status]).toEqual([toTitle(example), 200]);
    }
  }
  expect(server.host.runs).toEqual([]);
  expect(listWrites()).toEqual([]);
  expect(server.complaints).toEqual([]);
});

/** An issue that came from another repository was opened there. */
const isMoved = ({ payload }: Example): boolean => payload.action === "opened" && "changes" in payload;
const starters = examples.filter((example) => STARTERS.includes(toName(example)) && !isMoved(example));
const others = examples.filter((example) => !starters.includes(example));

describe("/codex do it", () => {
  test.each(starters.map((example) => ({ title: toTitle(example), example })))(
    "starts one run in $title",
    async ({ example }) => {
      if (example.payload.action === "labeled") server.answers.settings = "label_trigger: bug\n";
      const { status } = await server.deliver(example.event, toCommand(example.payload));
      const url: unknown = expect.stringMatching(/^https:\/\/github\.com\/Codertocat\/Hello-World\//);
      expect(status).toBe(200);
      expect(server.host.runs.map(({ run }) => run.trigger)).toEqual([{ kind: "github", actor: PERSON.login, url }]);
      expect(listWrites().every((write) => /^POST \S*(?:\/reactions|\/graphql)$/.test(write))).toBe(true);
      expect(server.complaints).toEqual([]);
    },
  );

  test.each(others.map((example) => ({ title: toTitle(example), example })))(
    "starts and writes nothing in $title",
    async ({ example }) => {
      const { status } = await server.deliver(example.event, toCommand(example.payload));
      expect([status, server.host.runs, listWrites(), server.complaints]).toEqual([200, [], [], []]);
    },
  );
});

const bot = { login: "helper[bot]", id: 5, type: "Bot" };

describe.each(starters.map((example) => ({ title: toTitle(example), example })))("$title", ({ example }) => {
  test.each([
    ["a bot's", { author: bot }],
    ["a bot's with a person's name", { author: { ...PERSON, type: "Bot" } }],
    ["a person's that a bot sends", { sender: bot }],
    ["an organisation's", { author: { ...PERSON, type: "Organization" } }],
  ])("%s starts and writes nothing", async (_title, options) => {
    const { status } = await server.deliver(example.event, toCommand(example.payload, options));
    expect([status, server.host.runs, listWrites()]).toEqual([200, [], []]);
  });

  test("starts nothing when it was edited or deleted, or where the App is not installed", async () => {
    for (const action of ["edited", "deleted", "dismissed", "closed", "reopened", "unlabeled", "transferred"]) {
      await server.deliver(example.event, { ...toCommand(example.payload), action });
    }
    await server.deliver(example.event, { ...toCommand(example.payload), installation: undefined });
    expect([server.host.runs, server.calls]).toEqual([[], []]);
  });

  test("of somebody who may only read starts nothing, and gets at most one reaction", async () => {
    server.answers.permission = "read";
    const { status } = await server.deliver(example.event, toCommand(example.payload));
    expect([status, server.host.runs]).toEqual([200, []]);
    expect(listWrites().filter((write) => !/\/reactions$|\/graphql$/.test(write))).toEqual([]);
    expect(listWrites().length).toBeLessThanOrEqual(1);
  });

  test("that comes again, as the same delivery or as another one, starts one run", async () => {
    if (example.payload.action === "labeled") server.answers.settings = "label_trigger: bug\n";
    for (let count = 0; count < 3; count++) await server.deliver(example.event, toCommand(example.payload));
    expect(server.host.runs).toHaveLength(1);
  });
});
