import { describe, expect, test } from "vitest";
import { checkWebhookSecret } from "../../src/doctor/check-webhook-secret.ts";
import { startProduct } from "./faults.ts";
import { findClosedUrl, startStandInServer } from "./stand-in-server.ts";

const github = { webUrl: "https://github.com", apiUrl: "https://api.github.com", token: null };
const secret = "0123456789abcdef0123456789abcdef";
const signal = new AbortController().signal;

async function check(
  webhookSecret: string | null,
  { port, host = "127.0.0.1" }: { port?: number; host?: string } = {},
) {
  const http = { host, port: port ?? Number(new URL(await findClosedUrl()).port), publicUrl: null };
  return checkWebhookSecret({ ...github, app: { appId: 1, privateKey: "", webhookSecret } }, { http, signal });
}

test("is not needed without an App", async () => {
  const http = { host: "127.0.0.1", port: 1, publicUrl: null };
  expect((await checkWebhookSecret({ ...github, app: null }, { http, signal })).verdict).toBe("passed");
});

test.each([null, "", "short"])("%j fails", async (webhookSecret) => {
  const finding = await check(webhookSecret);
  expect(finding).toMatchObject({ verdict: "failed", mend: expect.stringContaining("WEBHOOK_SECRET") });
});

test("that is long passes without a server, is never shown, and the finding says that it was not tried", async () => {
  const finding = await check(secret);
  expect(finding).toMatchObject({
    verdict: "passed",
    detail: expect.stringMatching(/no server runs at .* not tried$/),
  });
  expect(JSON.stringify(finding)).not.toContain(secret);
});

describe("with a server that runs", () => {
  test.each(["127.0.0.1", "0.0.0.0"])("on %s, a signed ping is taken and a forged one refused", async (host) => {
    await using server = await startProduct(secret);
    const finding = await check(secret, { port: server.port, host });
    expect(finding).toMatchObject({
      verdict: "passed",
      detail: expect.stringMatching(/takes a ping.*refuses a forged/),
    });
  });

  test.each([
    ["that has no App", 404, 404, /without a GitHub App/, /APP_ID/],
    ["whose database is away", 503, 401, /HTTP 503/, /log/],
    ["that takes forged ones", 200, 200, /signed with another secret \(HTTP 200\)/, /Stop it/],
  ])("%s, it fails", async (_, signed, forged, detail, mend) => {
    let pings = 0;
    const status = (): number => (++pings === 1 ? signed : forged);
    await using server = await startStandInServer(({ url }) =>
      url === "/healthz" ? { status: 200, body: { ok: true } } : { status: status() },
    );
    const finding = await check(secret, { port: Number(new URL(server.url).port) });
    expect(finding).toMatchObject({
      verdict: "failed",
      detail: expect.stringMatching(detail),
      mend: expect.stringMatching(mend),
    });
  });
});
