import { expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { checkClock } from "../../src/doctor/check-clock.ts";
import { findClosedUrl, startStandInServer } from "./stand-in-server.ts";

const signal = new AbortController().signal;

/** Whoever is `null` ahead is not there. */
async function check(ahead: { githubS: number | null; modelS: number | null }, variables: Record<string, string> = {}) {
  const answer = (aheadS: number | null) => ({
    status: 401,
    headers: { date: new Date(Date.now() + (aheadS ?? 0) * 1000).toUTCString() },
  });
  await using github = await startStandInServer(answer(ahead.githubS));
  await using model = await startStandInServer(answer(ahead.modelS));
  const closed = await findClosedUrl();
  const environment = {
    GHE_HOST: new URL(ahead.githubS === null ? closed : github.url).host,
    GHE_PROTOCOL: "http",
    OPENAI_API_KEY: "sk-canary-0123456789abcdef",
    OPENAI_BASE_URL: `${ahead.modelS === null ? closed : model.url}/v1`,
    GITHUB_TOKEN: "ghp_canary0123456789abcdef",
    ...variables,
  };
  const finding = await checkClock(readConfig({ environment, folder: "/nonexistent" }), { signal });
  return { finding, requests: [...github.requests, ...model.requests] };
}

test.each([
  [{ githubS: 0, modelS: 0 }, "passed", /GitHub differ by [01] s$/],
  [{ githubS: 50, modelS: 0 }, "passed", /GitHub differ by (49|50|51) s$/],
  [{ githubS: 90, modelS: 0 }, "failed", /GitHub differ by (89|90|91) s$/],
  [{ githubS: -90, modelS: -90 }, "failed", /GitHub differ by (89|90|91) s$/],
  [{ githubS: 0, modelS: 900 }, "passed", /; the model API is off by (899|900|901) s$/],
  [{ githubS: null, modelS: 900 }, "failed", /the model API differ by (899|900|901) s$/],
  [{ githubS: null, modelS: null }, "passed", /nobody could be asked/],
] as const)("with clocks ahead by %o it has %s", async (ahead, verdict, detail) => {
  const { finding } = await check(ahead);
  expect(finding).toMatchObject({ verdict, detail: expect.stringMatching(detail) });
});

test("nothing secret is sent, and GitHub is not asked without credentials for it", async () => {
  const both = await check({ githubS: 0, modelS: 0 });
  expect(both.requests).toHaveLength(2);
  expect(both.requests.flatMap(({ headers }) => headers.authorization ?? [])).toEqual([]);
  const modelOnly = await check({ githubS: 900, modelS: 0 }, { GITHUB_TOKEN: "" });
  expect(modelOnly.requests).toHaveLength(1);
  expect(modelOnly.finding.verdict).toBe("passed");
});
