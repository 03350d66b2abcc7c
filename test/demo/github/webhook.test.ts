import { createServer } from "node:http";
import { createRequire } from "node:module";
import { verify } from "@octokit/webhooks-methods";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type GitHubStandIn, startGitHubStandIn } from "../../../src/demo/github/stand-in.ts";

type Received = { headers: NodeJS.Dict<string | string[]>; body: string };

let standIn: GitHubStandIn;
let url: string;
const received: Received[] = [];
const receiver = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk: Buffer) => (body += chunk.toString()));
  request.on("end", () => {
    received.push({ headers: request.headers, body });
    response.writeHead(202).end("taken");
  });
});
beforeAll(async () => {
  standIn = await startGitHubStandIn();
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const address = receiver.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`;
});
afterAll(async () => {
  receiver.close();
  const violations = await standIn.listViolations();
  await standIn[Symbol.asyncDispose]();
  expect(violations).toEqual([]);
});
beforeEach(() => void (received.length = 0));

const deliver = (body = "/codex do it") => standIn.deliverComment({ url, user: "octocat", body });

describe("a delivered comment", () => {
  test("stands in the thread, and its event is signed", async () => {
    const delivery = await deliver();
    expect(delivery).toMatchObject({ status: 202, responseText: "taken", event: "issue_comment" });
    const [{ headers, body } = { headers: {}, body: "" }] = received;
    expect(headers).toMatchObject({
      "x-github-event": "issue_comment",
      "x-github-delivery": delivery.id,
      "content-type": "application/json",
    });
    expect(await verify(standIn.app.webhookSecret, body, String(headers["x-hub-signature-256"]))).toBe(true);
    expect(await verify("another secret", body, String(headers["x-hub-signature-256"]))).toBe(false);
    const { body: comment } = await standIn.call({
      as: null,
      method: "GET",
      path: `/repos/octo-org/hello/issues/comments/${delivery.commentId}`,
    });
    expect(comment).toMatchObject({ body: "/codex do it", user: { login: "octocat" } });
  });

  test("has the payload that GitHub documents", async () => {
    await deliver();
    const payload = JSON.parse(received[0]?.body ?? "") as Record<string, Record<string, unknown>>;
    const examples = createRequire(import.meta.url)("@octokit/webhooks-examples/api.github.com/index.json") as {
      name: string;
      examples: Record<string, Record<string, unknown>>[];
    }[];
    const all = examples.find(({ name }) => name === "issue_comment")?.examples ?? [];
    const example =
      all.find((one) => String(one["action"]) === "created" && "organization" in one && "installation" in one) ??
      all.find((one) => String(one["action"]) === "created");
    const missing = ["comment", "repository", "sender", "issue"].flatMap((part) =>
      Object.keys(example?.[part] ?? {})
        .filter((key) => !(key in (payload[part] ?? {})))
        .map((key) => `${part}.${key}`),
    );
    expect(missing.filter((key) => !/^issue\.(?:pull_request|draft)$/.test(key))).toEqual([]);
    expect(payload).toMatchObject({
      action: "created",
      installation: { id: standIn.app.installationId },
      organization: { login: "octo-org" },
      sender: { login: "octocat", type: "User" },
      repository: { full_name: "octo-org/hello", default_branch: "main", private: false },
      issue: { number: standIn.issueNumber, title: "Add an email validator" },
    });
  });

  test("on a pull request says so", async () => {
    await standIn.git.commit("octo-org/hello", { branch: "side", message: "Side\n", files: { "side.txt": "1\n" } });
    const { body: pull } = await standIn.call({
      as: "octocat",
      method: "POST",
      path: "/repos/octo-org/hello/pulls",
      body: { title: "Side", head: "side", base: "main" },
    });
    const issue = (pull as { number: number }).number;
    await standIn.deliverComment({ url, user: "octocat", body: "/codex go on", issue });
    expect(JSON.parse(received[0]?.body ?? "")).toMatchObject({
      issue: { number: issue, pull_request: { url: `${standIn.origin}/api/v3/repos/octo-org/hello/pulls/${issue}` } },
    });
  });
});

test("a redelivery has the same GUID and the same bytes", async () => {
  const { id, event, payload } = await deliver();
  await standIn.deliver({ url, event, payload, id });
  expect(received[1]?.body).toBe(received[0]?.body);
  expect(received[1]?.headers["x-github-delivery"]).toBe(id);
  expect(received[1]?.headers["x-hub-signature-256"]).toBe(received[0]?.headers["x-hub-signature-256"]);
});

test("deliveries can be forged: another secret, missing headers, other bytes", async () => {
  await standIn.deliver({
    url,
    event: "issue_comment",
    payload: {},
    secret: "guessed",
    headers: { "x-github-event": null },
  });
  await standIn.deliver({ url, event: "ping", payload: { zen: "a" }, rawBody: "{not json" });
  const [forged, raw] = received;
  expect(forged?.headers["x-github-event"]).toBeUndefined();
  expect(
    await verify(standIn.app.webhookSecret, forged?.body ?? "", String(forged?.headers["x-hub-signature-256"])),
  ).toBe(false);
  expect(raw?.body).toBe("{not json");
});
