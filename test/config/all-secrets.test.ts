import { generateKeyPairSync } from "node:crypto";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { createMask } from "../../src/masking/mask.ts";
import { toSecrets } from "../../src/compose/settings.ts";

const pem = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs1", format: "pem" })
  .toString();
const environment = {
  OPENAI_API_KEY: "canary-api-key",
  GITHUB_TOKEN: "canary-github-token",
  APP_ID: "7",
  PRIVATE_KEY: pem,
  WEBHOOK_SECRET: "canary-webhook-secret",
  MCP_AUTH_TOKEN: "canary-mcp-auth-token",
  DASHBOARD_TOKEN: "canary-dashboard-token",
  DATABASE_URL: "postgresql://codex:canary%2Fpw@db.example.com/codex",
  HTTPS_PROXY: "http://proxy-user:canary-proxy@proxy.example.com:3128",
  https_proxy: "http://u:pw@short.example.com:3128",
  OPENAI_BASE_URL: "https://gate:canary-gate@models.example.com/v1",
};
const mask = createMask(toSecrets(readConfig({ environment, folder: tmpdir() })));

test.each([
  ["the model's key", "canary-api-key"],
  ["the token", "canary-github-token"],
  ["the webhook's secret", "canary-webhook-secret"],
  ["the MCP token", "canary-mcp-auth-token"],
  ["the token of the pages", "canary-dashboard-token"],
  ["the password of the database, as it is", "canary/pw"],
  ["the password of the database, as the URL has it", "canary%2Fpw"],
  ["the password of a proxy, which Node itself reads", "canary-proxy"],
  ["a short password with its name and host", "u:pw@short.example.com:3128"],
  ["the password of the model API's URL", "canary-gate"],
  ["the private key", pem.trim()],
  ["a line of the private key", pem.split("\n")[5]],
  ["the private key without lines", pem.replaceAll(/-----[^\n]*|\n/g, "")],
  ["the private key in base64", Buffer.from(pem).toString("base64")],
  ["the private key as a variable has it", pem.trim().replaceAll("\n", String.raw`\n`)],
])("%s is masked", (_what, secret = "") => {
  for (const text of [secret, JSON.stringify(secret), encodeURIComponent(secret)]) {
    const masked = mask.text(`x ${text} y`);
    expect(masked).toContain("***");
    expect(masked.replaceAll(/-----.*?-----/g, "")).not.toMatch(/canary|pw@|[A-Za-z0-9+]{16}/);
  }
});

test("what everybody may know is not: hosts, names that are words, the frame of a key", () => {
  const told = "-----BEGIN RSA PRIVATE KEY----- db.example.com proxy-user codex models.example.com postgresql";
  expect(mask.text(told)).toBe(told);
  const { urlCredentials } = readConfig({
    environment: { DATABASE_URL: "postgres://postgres@db/x" },
    folder: tmpdir(),
  });
  expect(urlCredentials).toEqual([]);
  const usual = readConfig({ environment: { DATABASE_URL: "postgresql://me:postgres@db/x" }, folder: tmpdir() });
  expect(usual.urlCredentials).toEqual(["me:postgres@db"]);
  const byName = readConfig({ environment: { HTTP_PROXY: "http://a8Kf02xQ91mZ7pLw@proxy" }, folder: tmpdir() });
  expect(byName.urlCredentials).toEqual(["a8Kf02xQ91mZ7pLw"]);
});
