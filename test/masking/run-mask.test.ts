import { expect, test } from "vitest";
import { createMask } from "../../src/masking/mask.ts";
import { maskResult, toRunMask, toShownRequest } from "../../src/masking/run-mask.ts";
import { createRequest } from "../helpers/requests.ts";
import { createResult } from "../helpers/results.ts";

const variables = {
  MY_API_TOKEN: "top-secret-value",
  NODE_ENV: "production",
  MODE: "fast",
  LINES: "first line\nsecond line\n",
};

test("a run's mask hides the values of its variables, also line by line, but for short ones", () => {
  const mask = toRunMask(createMask(), { variables });
  expect(mask.text("top-secret-value in production, fast: | first line\n| second line")).toBe(
    "*** in ***, fast: | ***\n| ***",
  );
  expect(toRunMask(createMask(), { variables: null }).text("production")).toBe("production");
});

test("a request is shown without any value, and its prompt without those of 8 characters and more", () => {
  const request = createRequest({ prompt: "Use top-secret-value, be fast", env_vars: variables });
  const shown = toShownRequest(request);
  expect(shown.prompt).toBe("Use ***, be fast");
  expect(shown.env_vars).toEqual({ MY_API_TOKEN: "***", NODE_ENV: "***", MODE: "***", LINES: "***" });
  const plain = createRequest();
  expect(toShownRequest(plain)).toBe(plain);
});

test("a result is masked in all that the agent can have written", () => {
  const result = createResult(createRequest(), {
    output: {
      ...{
        summary: "top-secret-value",
        files_changed: ["a/top-secret-value.txt"],
        full_log: "x top-secret-value",
        log_truncated: false,
      },
      data: { "top-secret-value": ["x top-secret-value y", 1, null, true, { a: "fast" }] },
    },
    error: { reason: "codex-failed", message: "Codex gave up: top-secret-value", hint: "Read top-secret-value." },
  });
  const masked = maskResult(result, { mask: toRunMask(createMask(), { variables }) });
  expect(JSON.stringify(masked)).not.toContain("top-secret");
  expect(masked.output.data).toEqual({ "***": ["x *** y", 1, null, true, { a: "fast" }] });
  expect(masked.error).toEqual({ reason: "codex-failed", message: "Codex gave up: ***", hint: "Read ***." });
  expect("data" in maskResult(createResult(createRequest()), { mask: createMask() }).output).toBe(false);
});
