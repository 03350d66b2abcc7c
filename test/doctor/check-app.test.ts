import { describe, expect, test } from "vitest";
import { checkInstallations } from "../../src/doctor/check-installations.ts";
import { checkWebhookUrl } from "../../src/doctor/check-webhook-url.ts";
import { makePrivateKey } from "./doctor-fixture.ts";
import { createServices, type Services } from "./services.ts";
import { startStandInServer, type StandInAnswer } from "./stand-in-server.ts";

const privateKey = makePrivateKey();
const signal = new AbortController().signal;

/** Starts a GitHub with an App, lets a test change it, and asks. `answers` are given in place of its own. */
async function ask(
  change: (services: Services) => void,
  {
    answers = {},
    http = {},
  }: { answers?: Record<string, StandInAnswer>; http?: { publicUrl?: string | null; proxy?: string } } = {},
) {
  const services = createServices({ apiKey: "unused", privateKey });
  change(services);
  await using server = await startStandInServer((request) => {
    const path = request.url?.replace("/api/v3", "").split("?")[0] ?? "";
    return answers[`${request.method} ${path}`] ?? services.answer(request);
  });
  const app = { appId: services.app.id, privateKey, webhookSecret: "0123456789abcdef" };
  const github = { webUrl: server.url, apiUrl: `${server.url}/api/v3`, app, token: null };
  const publicUrl = http.publicUrl === undefined ? "https://codex.example" : http.publicUrl;
  return {
    installations: await checkInstallations(github, { signal }),
    webhookUrl: await checkWebhookUrl(
      { github, http: { host: "127.0.0.1", port: 3000, publicUrl }, webhookProxyUrl: http.proxy ?? null },
      { signal },
    ),
    tokens: services.tokens,
  };
}

const nothing = (): void => {};
const installation = { id: 1, account: { login: "octo-org" }, permissions: {}, events: [] };

describe("the installations", () => {
  test("pass with a token that is minted and withdrawn", async () => {
    const { installations, tokens } = await ask(nothing);
    expect(installations).toEqual({
      verdict: "passed",
      detail:
        "a token was minted for octo-org, and withdrawn again; the only installation has granted what the App asks for; " +
        "4999 of 5000 requests are left this hour",
    });
    expect(tokens.size).toBe(0);
  });

  test.each([
    ["that there are none of pass with a note", [], "passed", /install it on a repository/],
    ["that are all suspended fail", [{ ...installation, suspended_at: "2026-01-01T00:00:00Z" }], "failed", /suspended/],
    ["that hear of nothing fail", [installation], "failed", /octo-org has not granted .*the event issues/],
  ])("%s", async (_, body, verdict, detail) => {
    const { installations } = await ask(nothing, { answers: { "GET /app/installations": { status: 200, body } } });
    expect(installations).toMatchObject({ verdict, detail: expect.stringMatching(detail) });
  });

  test.each([
    ["GET /app/installations", 502, /does not list the App's installations: HTTP 502/],
    ["POST /app/installations/77/access_tokens", 403, /no token could be minted for .*octo-org: HTTP 403/],
  ])("fail when GitHub answers %s with %i", async (asked, status, detail) => {
    const { installations } = await ask(nothing, { answers: { [asked]: { status } } });
    expect(installations).toMatchObject({ verdict: "failed", detail: expect.stringMatching(detail) });
  });

  test("pass where GitHub counts no requests and withdraws no token", async () => {
    const answers = { "GET /rate_limit": { status: 404 }, "DELETE /installation/token": { status: 404 } };
    const { installations } = await ask(nothing, { answers });
    expect(installations.verdict).toBe("passed");
    expect(installations.detail).toMatch(/minted for octo-org; the only/);
  });
});

describe("the webhook's URL", () => {
  const url = (to: string) => (services: Services) => void (services.hook.url = to);
  const path = "/api/github/webhooks";

  test.each([
    ["https://codex.example/api/github/webhooks", {}],
    ["https://other.example/api/github/webhooks", { publicUrl: null }],
    ["https://smee.io/abcdef", { publicUrl: null }],
    ["https://smee.io/abcdef", { proxy: "https://smee.io/abcdef" }],
  ])("%s passes with %o", async (to, http) => {
    const { webhookUrl } = await ask(url(to), { http });
    expect(webhookUrl).toMatchObject({ verdict: "passed", detail: expect.stringContaining(to) });
  });

  test.each([
    ["", {}, /no webhook URL/, new RegExp(`https://codex.example${path}`)],
    ["https://codex.example/", {}, /not to https:\/\/codex\.example\/api/, /PUBLIC_URL/],
    ["https://codex.example/", { publicUrl: null }, /does not end in/, /webhook URL/],
    [
      "https://codex.example/api/github/webhooks",
      { proxy: "https://smee.io/x" },
      /WEBHOOK_PROXY_URL/,
      /WEBHOOK_PROXY_URL/,
    ],
  ])("%j fails with %o", async (to, http, detail, mend) => {
    const { webhookUrl } = await ask(url(to), { http });
    expect(webhookUrl).toMatchObject({
      ...{ verdict: "failed", detail: expect.stringMatching(detail), mend: expect.stringMatching(mend) },
    });
  });

  test("with forms in place of JSON fails", async () => {
    const { webhookUrl } = await ask((services) => void (services.hook.content_type = "form"));
    expect(webhookUrl).toMatchObject({ verdict: "failed", mend: expect.stringContaining("application/json") });
  });

  const at = (ageH: number, code: number) => {
    const when = new Date(Date.now() - ageH * 3_600_000).toISOString();
    return { delivered_at: when, status: code === 200 ? "OK" : "failed to connect to host", status_code: code };
  };

  test.each([
    ["nothing yet", [], "passed", /delivered nothing yet/],
    ["what was taken", [at(1, 200), at(2, 202)], "passed", /its last 2 deliveries were taken/],
    ["a failure before what was taken", [at(1, 200), at(2, 503)], "passed", /1 of the last 2 deliveries failed$/],
    ["a failure of days ago", [at(50, 502)], "passed", /1 of the last 1 deliveries failed$/],
    ["to nobody", [at(1, 0), at(2, 200)], "failed", /the newest with failed to connect to host at/],
    ["to another path", [at(1, 404)], "failed", /the newest with HTTP 404/],
  ])("with %s delivered has its verdict", async (_, deliveries, verdict, detail) => {
    const { webhookUrl } = await ask((services) => void (services.deliveries = deliveries));
    expect(webhookUrl).toMatchObject({ verdict, detail: expect.stringMatching(detail) });
  });

  test("passes where GitHub tells nothing of it", async () => {
    const answers = { "GET /app/hook/config": { status: 404 }, "GET /app/hook/deliveries": { status: 404 } };
    const { webhookUrl } = await ask(nothing, { answers });
    expect(webhookUrl).toEqual({ verdict: "passed", detail: "GitHub does not tell where it sends webhooks" });
  });
});
