import { expect, test } from "vitest";
import { findSecretValues } from "../../src/run/secret-values.ts";

test.each([
  ["MY_API_TOKEN", "plain words"],
  ["API_KEY", "production"],
  ["DB_PASSWORD", "correct horse"],
  ["db_pass", "12345678"],
  ["CLIENT_SECRET", "same as before"],
  ["BASIC_AUTH", "me:and-my-word"],
  ["GITHUB_PAT", "something"],
  ["ANYTHING", "sk-proj-Ab3dE9xKq27LmZt0"],
  ["ANYTHING", "da39a3ee5e6b4b0d3255bfef95601890afd80709"],
  ["ANYTHING", "AKIAIOSFODNN7EXAMPLE1A2B3C4D"],
  ["DATABASE_URL", "postgres://me:hunter22@db/app"],
  ["CERTIFICATE", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"],
])("%s=%s is a secret", (name, value) => {
  expect(findSecretValues({ [name]: value })).toEqual([value]);
});

test.each([
  ["NODE_ENV", "production"],
  ["API_KEY", "short"],
  ["AUTHOR_NAME", "Jane Austen"],
  ["VERSION", "2024.11.03-release.candidate"],
  ["FOLDER", "/usr/local/share/something/else"],
  ["URL", "https://example.com:8443/api/v2"],
  ["BRANCH", "feature/add-the-new-parser-2"],
  ["FLAGS", "--max-old-space-size=4096 --expose-gc"],
  ["NUMBER", "12345678901234567890"],
  ["DATE", "2024-11-03T10:00:00.000Z"],
])("%s=%s is none", (name, value) => {
  expect(findSecretValues({ [name]: value })).toEqual([]);
});
