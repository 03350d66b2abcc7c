import { expect, test } from "vitest";
import { holdsMoreValues } from "../../src/gateway/count-values.ts";
import { completed, post, say, sendStream, startGateway, startUpstream } from "./scripted-upstream.ts";

test.each<[string, unknown, number]>([
  ["a list of three", [1, 2, 3], 4],
  ["objects in a list", { input: [{ a: 1, b: [] }] }, 6],
  ["what looks like values in a text", { a: 'x",[{,,\\', b: "\\\\" }, 3],
])("%s is counted", (_, value, count) => {
  const bytes = Buffer.from(JSON.stringify(value));
  expect(holdsMoreValues(bytes, { most: count })).toBe(false);
  expect(holdsMoreValues(bytes, { most: count - 1 })).toBe(true);
});

test("a request of a million tiny values is refused for good before it is read; one long text is not", async () => {
  await using upstream = await startUpstream((response) => sendStream(response, say("fine"), completed()));
  await using gateway = await startGateway(upstream.url);
  const tiny = await post(gateway.socketPath, { input: Array.from({ length: 1_000_000 }, () => ({})) });
  expect([tiny.status, JSON.parse(tiny.text)]).toMatchObject([400, { error: { code: "request_too_large" } }]);
  expect(gateway.requests).toBe(0);
  const long = await post(gateway.socketPath, { input: ",".repeat(1_000_000) });
  expect(long.status).toBe(200);
});
