import { describe, expect, test } from "vitest";
import { checkModel } from "../../src/doctor/check-model.ts";
import { findClosedUrl, startStandInServer, type StandInAnswer } from "./stand-in-server.ts";

const apiKey = "sk-canary-0123456789abcdef";
const signal = new AbortController().signal;

async function check(
  answer: StandInAnswer,
  model: { apiKey?: string | null; name?: string | null; path?: string } = {},
) {
  await using server = await startStandInServer(answer);
  const baseUrl = `${server.url}${model.path ?? "/v1"}`;
  const finding = await checkModel({ apiKey, name: null, ...model, baseUrl }, { signal });
  return { finding, request: server.requests[0] };
}

describe("the model API", () => {
  test("is asked for its list of models with the key, below the base URL and with its query", async () => {
    const { request } = await check({ status: 200, body: { data: [] } }, { path: "/openai/v1/?api-version=7" });
    expect(request?.method).toBe("GET");
    expect(request?.url).toBe("/openai/v1/models?api-version=7");
    expect(request?.headers.authorization).toBe(`Bearer ${apiKey}`);
  });

  test("that lists its models has accepted the key", async () => {
    const { finding } = await check({ status: 200, body: { data: [{ id: "gpt-5.5" }] } }, { name: "gpt-5.5" });
    expect(finding).toMatchObject({ verdict: "passed", detail: expect.stringMatching(/accepts the key$/) });
  });

  test("that does not list CODEX_MODEL passes with a note", async () => {
    const { finding } = await check({ status: 200, body: { data: [{ id: "gpt-5.5" }] } }, { name: "gpt-9" });
    expect(finding).toMatchObject({ verdict: "passed", detail: expect.stringContaining("gpt-9 is not in its list") });
  });

  test.each([401, 403])("that answers %i does not accept the key", async (status) => {
    const { finding } = await check({ status, body: { error: { message: `Incorrect API key: ${apiKey}` } } });
    expect(finding).toMatchObject({ verdict: "failed", mend: expect.stringContaining("OPENAI_API_KEY") });
    expect(JSON.stringify(finding)).not.toContain(apiKey);
  });

  test("that wants a key gets none when none is set, and the finding says so", async () => {
    const { finding, request } = await check({ status: 401 }, { apiKey: null });
    expect(request?.headers.authorization).toBeUndefined();
    expect(finding).toMatchObject({ verdict: "failed", detail: expect.stringContaining("OPENAI_API_KEY is not set") });
  });

  test("that needs no key passes without one", async () => {
    const { finding } = await check({ status: 200, body: { data: [] } }, { apiKey: null });
    expect(finding).toMatchObject({ verdict: "passed", detail: expect.stringContaining("without a key") });
  });

  test("whose key may only ask for answers passes", async () => {
    const message = "You have insufficient permissions for this operation. Missing scopes: api.model.read.";
    const { finding } = await check({ status: 403, body: { error: { message } } });
    expect(finding.verdict).toBe("passed");
  });

  test.each([404, 405])("that answers %i can be reached, though the key is not proved", async (status) => {
    const { finding } = await check({ status, body: "not here" });
    expect(finding).toMatchObject({ verdict: "passed", detail: expect.stringContaining("cannot be shown to work") });
  });

  test.each([
    [429, /billing and rate limits/],
    [500, /OPENAI_BASE_URL/],
    [307, /redirects are not followed/],
  ])("that answers %i fails", async (status, mend) => {
    const { finding } = await check({ status, headers: { location: "/elsewhere" } });
    expect(finding).toMatchObject({ verdict: "failed", mend: expect.stringMatching(mend) });
  });

  test("that is not there fails, and says that the connection was refused", async () => {
    const finding = await checkModel({ apiKey, name: null, baseUrl: `${await findClosedUrl()}/v1` }, { signal });
    expect(finding).toMatchObject({ verdict: "failed", detail: expect.stringContaining("connection refused") });
  });
});
