import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { format, resolveConfig } from "prettier";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { toSettingsSchema } from "../../src/repo-settings/json-schema.ts";
import { parseSettings } from "../../src/repo-settings/settings.ts";

const path = join(import.meta.dirname, "..", "..", "docs", "codex.schema.json");

test("docs/codex.schema.json is what the code gives (`npm run test:unit -- test/repo-settings -u` writes it)", async () => {
  const layout = { ...(await resolveConfig(path)), parser: "json" };
  await expect(await format(JSON.stringify(toSettingsSchema()), layout)).toMatchFileSnapshot(path);
});

test("every key has a description", () => {
  expect(toSettingsSchema()).toMatchObject({ additionalProperties: false });
  const { properties = {} } = toSettingsSchema() as { properties?: Record<string, { description?: string }> };
  const silent = Object.entries(properties).filter(([, { description = "" }]) => !description.endsWith("."));
  expect(silent).toEqual([]);
});

describe("an editor with the schema says the same as the product about", () => {
  const isValid = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(toSettingsSchema());
  test.each(
    [
      "",
      "# nothing",
      "{}",
      "- mode",
      "mode",
      "modle: ask",
      ...["permission: maintain", "permission: triage", "allow: [octocat, octo-org/team]", "allow: octocat"],
      ...["allow: ['-x']", "allow: [a/b/c]", "mode: ask", "mode: sometimes", "mode:"],
      ...["model: gpt-5.5", "model: ''", "model: 'a b'", "effort: xhigh", "effort: extreme"],
      ...[
        "timeout: 90",
        "timeout: 0",
        "timeout: -1",
        "timeout: 1.5",
        "timeout: 10m",
        "timeout: 1h30m",
        "timeout: '90'",
      ],
      ...["timeout: 0s", "timeout: '0'", "timeout: 10 m", "timeout: 1d", "timeout: true"],
      ...["base: main", "base: release/1.0", "base: -x", "base: 'a b'", "base: ' a'", "base: a..b", "base: HEAD"],
      ...[
        "base: HEADS",
        "base: '@'",
        "base: a@{1}",
        "base: refs/heads/x",
        "base: a.lock",
        "base: a.lock/b",
        "base: a.",
        "base: a/",
      ],
      ...["base: a//b", "base: a/.b", "base: 'a*'", "base: 'a[b'", "base: 'a\\b'", "base: ''", "base: größe"],
      ...[
        "draft: true",
        "draft: 'yes'",
        "protected: ['db/**']",
        "protected: ['!db']",
        "protected: ['']",
        "protected: db",
      ],
      ...["instructions: Be brief.", "instructions: 1", "label_trigger: codex", "label_trigger: ''"],
      ...["labels: [bot, ai]", "labels: [1]", "reviewers: [octo-org/reviewers]", "reviewers: ['@octocat']"],
      ...[
        "egress: [packages.example.com, Mirror.Example.org]",
        "egress: ['*.example.com']",
        "egress: ['example.com:443']",
      ],
      ...["egress: [169.254.169.254]", "egress: [a.0x7F]", "egress: [localhost]", "egress: [example.com.]"],
      ...["branch: 'bot/{run}'", "branch: bot", "branch: '{run}'", "branch: 'a..{run}'", "branch: 'a/{run}.lock'"],
      ...[
        "branch: 'a/{run}/'",
        "branch: 'codex/{issue}-{slug}-{run}'",
        "branch: 'a{what}{run}'",
        "branch: 'refs/{run}'",
      ],
    ].map((text) => [text]),
  )("%j", (text) => {
    expect(isValid(parse(text))).toBe(parseSettings(text).kind === "read");
  });
});
