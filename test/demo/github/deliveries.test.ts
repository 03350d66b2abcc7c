import { createServer } from "node:http";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type GitHubStandIn, startGitHubStandIn } from "../../../src/demo/github/stand-in.ts";
import { connect, connectApp, statusOf } from "./clients.ts";

let standIn: GitHubStandIn;
let url: string;
/** What the receiver answers next; 200 when nothing is left. */
const statuses: number[] = [];
const received: { id: unknown; signature: unknown; body: string }[] = [];
const receiver = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk: Buffer) => (body += chunk.toString()));
  request.on("end", () => {
    const { "x-github-delivery": id, "x-hub-signature-256": signature } = request.headers;
    received.push({ id, signature, body });
    response.writeHead(statuses.shift() ?? 200).end();
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

const comment = (body: string) => standIn.deliverComment({ url, user: "octocat", body });
const list = async () => (await connectApp(standIn).rest.apps.listWebhookDeliveries({ per_page: 100 })).data;

test("the App reads every attempt, newest first, with how it was received", async () => {
  statuses.push(503);
  const lost = await comment("lost");
  const taken = await comment("taken");
  const [newest, older] = await list();
  expect(newest).toMatchObject({
    guid: taken.id,
    status: "OK",
    status_code: 200,
    redelivery: false,
    action: "created",
  });
  expect(older).toMatchObject({ guid: lost.id, status_code: 503, event: "issue_comment" });
  expect(newest?.id).toBeGreaterThan(older?.id ?? Infinity);
});

test("nobody but the App reads them", async () => {
  expect(await statusOf(connect(standIn, null).rest.apps.listWebhookDeliveries())).toBe(401);
  const asOctocat = connect(standIn, standIn.tokenOf("octocat"));
  expect(await statusOf(asOctocat.rest.apps.redeliverWebhookDelivery({ delivery_id: 1 }))).toBe(401);
});

test("pages go on by their cursor to the end", async () => {
  for (let count = 0; count < 5; count++) await comment(`number ${count}`);
  const { rest, paginate } = connectApp(standIn);
  const pages = await paginate(rest.apps.listWebhookDeliveries, { per_page: 2 });
  expect(pages.map(({ id }) => id)).toEqual((await list()).map(({ id }) => id));
});

test("a redelivery brings the same bytes under the same GUID to where the App listens now", async () => {
  statuses.push(500);
  const { id: guid } = await comment("once more");
  const attempt = (await list()).find((one) => one.guid === guid);
  const again = await connectApp(standIn).rest.apps.redeliverWebhookDelivery({ delivery_id: attempt?.id ?? 0 });
  expect(again.status).toBe(202);
  await expect.poll(() => received.length).toBe(2);
  expect(received[1]).toEqual(received[0]);
  const attempts = () => standIn.listDeliveries().filter((one) => one.guid === guid);
  await expect
    .poll(() => attempts().map(({ kind, statusCode }) => [kind, statusCode]))
    .toEqual([
      ["first", 500],
      ["redelivery", 200],
    ]);
});

test("a receiver that is away is on record, too", async () => {
  const gone = standIn.deliverComment({ url: "http://127.0.0.1:1/", user: "octocat", body: "nobody listens" });
  expect(await gone).toMatchObject({ status: 502 });
  expect((await list())[0]).toMatchObject({ status_code: 502, status: "failed to connect to host" });
  standIn.setWebhookUrl(url);
  await connectApp(standIn).rest.apps.redeliverWebhookDelivery({ delivery_id: (await list())[0]?.id ?? 0 });
  await expect.poll(() => received.map(({ body }) => body.includes("nobody listens"))).toEqual([true]);
});

test("an attempt that never was is unknown", async () => {
  const { rest } = connectApp(standIn);
  expect(await statusOf(rest.apps.redeliverWebhookDelivery({ delivery_id: 12 }))).toBe(404);
});
