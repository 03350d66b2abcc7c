import { expect, test } from "vitest";
import { toPullRequestBody, type BodyOptions } from "../../src/publish/body.ts";
import { createRequest } from "../helpers/requests.ts";

const NAMES = {
  long: "0".repeat(240).concat("/").repeat(60),
  encoded: "|`\u202e".repeat(1_000),
  wide: "🚀".repeat(2_000),
  plain: "packages/some-package/src/components/some-component/some-component.ts",
};

function createOptions(options: Partial<BodyOptions>): BodyOptions {
  return {
    request: createRequest({ prompt: "Add an email validator" }),
    summary: "Added an email validator.",
    ...{ files: [], leftOut: [], hiddenCharacters: [], verification: null, commands: [] },
    ...{ logTail: null, codexVersion: "0.169.0", model: "gpt-5.5", runningS: 1, template: null },
    usage: { input_tokens: 1, cached_input_tokens: 0, output_tokens: 1 },
    ...options,
  };
}

test.each(Object.entries(NAMES))(
  "RP-014, WS-019: however many names are %s, everything else stands in the pull request",
  (_title, name) => {
    const names = Array.from({ length: 300 }, (_, index) => `${index}${name}`);
    const body = toPullRequestBody(
      createOptions({
        summary: "word ".repeat(10_000),
        files: names.map((path) => ({ path, kind: "added" })),
        leftOut: names.map((path) => ({ path, why: "is longer than 4,000 bytes" })),
        hiddenCharacters: names,
        commands: names,
        logTail: "line\n".repeat(10_000),
      }),
    );
    expect(body.length).toBeLessThanOrEqual(60_000);
    expect(body.isWellFormed()).toBe(true);
    for (const part of ["Not taken over", "Closes #42", "### Files", "### Prompt", "### Verified", "\n---\n\nRun `"]) {
      expect(body).toContain(part);
    }
    expect(body).toMatch(/^> - and \d+ more$/m);
    expect(body).toMatch(/^… and \d+ more files\.$/m);
  },
);

test("as many files as fit are named, and the rest is counted", () => {
  const files = Array.from({ length: 300 }, (_, index) => ({ path: `src/file-${index}.ts`, kind: "added" as const }));
  const body = toPullRequestBody(createOptions({ files }));
  expect(body.match(/^\| `src\/file-\d+\.ts` \| added \|$/gm)).toHaveLength(200);
  expect(body).toContain("… and 100 more files.");
});
