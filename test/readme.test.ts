import { expect, test } from "vitest";
import { toConfigurationTable } from "../src/config/environment.ts";
import { toSettingsTable } from "../src/repo-settings/json-schema.ts";
import { toCommandTable, toOptionTable } from "../src/trigger/github/command-tables.ts";
import { refreshPage } from "./helpers/markdown-pages.ts";
import { toClientBlocks, toToolPart } from "./helpers/mcp-readme.ts";

test("the README's generated parts are what the code gives (`npm run test:unit -- test/readme.test.ts -u` writes them)", async () => {
  const page = await refreshPage("README.md", [
    { mark: "configuration", generate: toConfigurationTable },
    { mark: "settings", generate: toSettingsTable },
    { mark: "commands", generate: toCommandTable },
    { mark: "options", generate: toOptionTable },
    { mark: "mcp tools", generate: toToolPart },
    { mark: "mcp clients", generate: toClientBlocks },
  ]);
  await expect(page).toMatchFileSnapshot("../README.md");
});
