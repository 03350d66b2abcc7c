import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { CallContext } from "../../../src/trigger/mcp/call-context.ts";
import { createLocalPrincipal, createPrincipal } from "../../../src/trigger/mcp/principal.ts";
import { findRepository } from "../../../src/trigger/mcp/repository.ts";

const workspacePath = "/nowhere";
const principal = createPrincipal("ci", { scopes: ["run"], repositories: ["octo-org/*"], workspacePath });
const parts = {
  settings: { webUrl: "https://github.com", workspacePath },
  isAllowed: () => true,
  lookUp: async () => "there",
} as unknown as CallContext["parts"];

test("a caller with a list of repositories finds these, and no other", async () => {
  expect(await findRepository("octo-org/app", { parts, principal })).toMatchObject({ kind: "found" });
  expect(await findRepository("other/app", { parts, principal })).toMatchObject({
    kind: "refused",
    why: 'repo: there is no repository "other/app" that may be used here.',
  });
});

test("a folder outside of the workspace is found by nobody, although it is a repository", async () => {
  const folder = mkdtempSync(join(tmpdir(), "repository-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const path of ["workspace/app/.git", "workspace-two/.git"]) mkdirSync(join(folder, path), { recursive: true });
  const settings = { ...parts.settings, workspacePath: join(folder, "workspace") };
  const context = { parts: { ...parts, settings }, principal: createLocalPrincipal("me") };
  expect(await findRepository(join(folder, "workspace/app"), context)).toMatchObject({ kind: "found" });
  expect(await findRepository(join(folder, "workspace-two"), context)).toMatchObject({ kind: "refused" });
});
