import { expect, test } from "vitest";
import { readConfig } from "../../../src/config.ts";
import { toResultText } from "../../../src/trigger/cli/run-command.ts";
import { createRequest } from "../../helpers/requests.ts";
import { createResult } from "../../helpers/results.ts";

test("the end of a run says how long it took and what it used, and nothing of that when no model was asked", () => {
  const config = readConfig({ environment: {}, folder: import.meta.dirname });
  const usage = { input_tokens: 23_000, cached_input_tokens: 10_800, output_tokens: 1000 };
  const text = (changes: Parameters<typeof createResult>[1]): string =>
    toResultText(createResult(createRequest(), changes), config);
  expect(text({ usage, duration: 45.2 })).toContain(
    "\n\nIt took 45.2 s and 23,000 tokens in (10,800 cached), 1,000 out.\n",
  );
  expect(text({ usage: null })).not.toContain("It took");
});
