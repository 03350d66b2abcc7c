import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openBrowser } from "../../src/app-setup/open-browser.ts";
import type { Environment } from "../../src/config/environment.ts";
import { runTool } from "../../src/image/run-tool.ts";

const SECRETS = [
  ...["OPENAI_API_KEY", "PRIVATE_KEY", "PRIVATE_KEY_PATH", "WEBHOOK_SECRET", "GITHUB_TOKEN", "MCP_AUTH_TOKEN"],
  ...["DASHBOARD_TOKEN", "DATABASE_URL", "OTEL_EXPORTER_OTLP_HEADERS"],
] as const satisfies (keyof typeof Environment.shape)[];
const LOADERS = ["NODE_OPTIONS", "LD_PRELOAD_CANARY", "DYLD_INSERT_LIBRARIES", "BASH_ENV", "ENV", "GIT_SSH_COMMAND"];
const SETTINGS = ["HTTPS_PROXY", "NPM_TOKEN", "npm_config_registry", "SSL_CERT_FILE", "DISPLAY"];
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tool-"));
  for (const name of [...SECRETS, ...LOADERS, ...SETTINGS]) vi.stubEnv(name, `canary of ${name}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function listCanaries(environment: string): string[] {
  return environment
    .split("\0")
    .flatMap((line) => /=canary of (.*)$/.exec(line)?.[1] ?? [])
    .toSorted();
}

test("EN-008: a tool of this machine gets its settings, none of our secrets, and nothing that has it load other code", async () => {
  const said = await runTool("env", { args: ["-0"], signal: new AbortController().signal });
  expect(listCanaries(said)).toEqual(SETTINGS.toSorted());
});

test("EN-008: nor does the program that opens the browser", async () => {
  writeFileSync(
    join(folder, "xdg-open"),
    `#!/bin/sh\nenv -0 > "${folder}/said.part"\nmv "${folder}/said.part" "${folder}/said"\n`,
    {
      mode: 0o755,
    },
  );
  vi.stubEnv("PATH", `${folder}:${process.env["PATH"] ?? ""}`);
  openBrowser("http://127.0.0.1:1/", { platform: "linux" });
  const said = await vi.waitFor(() => readFileSync(join(folder, "said"), "utf8"), { timeout: 10_000 });
  expect(listCanaries(said)).toEqual(SETTINGS.toSorted());
});
