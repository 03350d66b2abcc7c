import { expect, test } from "vitest";
import { lintText } from "../../src/secret-scan/lint-text.ts";

const word = "KEY";
const key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKjMzEfYyjiWA4R4".repeat(3);

const toUrl = (scheme: string, who: string): string => `${scheme}://${who}@db.acme.io/x`;

/** Put together from parts, so that nobody who looks through this file takes them for real. */
test.each([
  ["GITHUB_TOKEN", ["ghp", "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"].join("_")],
  [
    "GITHUB_TOKEN",
    `ghs_12345_${["eyJhbGciOiJSUzI1NiJ9", "eyJpc3MiOiJ4In0".repeat(9), "c2lnbmF0dXJl".repeat(12)].join(".")}`,
  ],
  ["PrivateKey", `-----BEGIN PRIVATE ${word}-----\n${key.replace(/.{64}/g, "$&\n")}\n-----END PRIVATE KEY-----`],
  [
    "PrivateKey",
    `-----BEGIN OPENSSH PRIVATE ${word}-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n${key}\n-----END OPENSSH PRIVATE KEY-----`,
  ],
  ["BasicAuth", toUrl("https", "deploy:s3cr3tWord")],
  ["PostgreSQLConnection", toUrl("postgres", "app:w8Kq2")],
  ["SLACK_TOKEN", ["xoxb", "263594206564", "2343594206574", "FGqddMF8t08v8N7Oq4i57vs1"].join("-")],
])("%s is found, whatever file it stands in", async (rule, text) => {
  for (const path of ["a.ts", "deep/er/.env", "x.p12", "data.json", "no-ending"])
    expect((await lintText(`before\n${text}\nafter`, { path })).map((found) => found.rule)).toContain(rule);
});

test.each([
  ["a token of one letter", `ghp_${"x".repeat(36)}`],
  ["a host of examples", "https://user:hunter2pass@example.com/x and postgres://u:hunter2@db.example.org:5432/x"],
  ["a host that nobody can have", "http://foo:barbazqux@proxy.test:3128"],
  ["a place for a value", "https://x-access-token:${TOKEN}@github.com/a/b"],
  [
    "a sum of a lockfile",
    '"integrity": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6"',
  ],
  ["an abbreviated key", "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----"],
])("%s is none", async (_what, text) => {
  expect(await lintText(text, { path: "README.md" })).toEqual([]);
});
