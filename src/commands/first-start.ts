import type { EventEmitter } from "node:events";
import { checkServeConfig } from "../config/requirements.ts";
import { readConfig, type Config } from "../config.ts";
import { readSetupConfig } from "../config/setup-config.ts";
import { runSetup } from "./setup.ts";
import { serve } from "./serve.ts";
import type { Terminal } from "../trigger/cli/product.ts";
import type { ServeOptions } from "../trigger/cli/program.ts";

export type FirstStartOptions = ServeOptions & { terminal: Terminal; interrupts: EventEmitter };

/**
 * `serve` and `worker`. A server that lacks nothing but its GitHub App first shows the set-up page, at its own port and to
 * this machine alone, and goes on with the App that was made. Resolves with the exit code; rejects as `serve` does.
 */
export async function serveWithSetup(
  config: Config,
  { terminal, interrupts, ...options }: FirstStartOptions,
): Promise<number> {
  if (options.role === "worker" || !isFirstStart(config)) return serve(config, options);
  terminal.err.write("There is no GitHub App yet (APP_ID is not set): it is made first, then the server starts.\n");
  const browser = terminal.err.isTTY === true;
  const exitCode = await runSetup({
    flags: { port: config.http.port, browser, smee: false, force: false },
    terminal,
    interrupts,
  });
  return exitCode === 0 ? serve(readConfig(), options) : exitCode;
}

/** Who listens to others gets no page, and a half-set App is a mistake to be told, not a beginning. */
function isFirstStart(config: Config): boolean {
  const problems = checkServeConfig(config).map(({ variable }) => variable);
  const isLoopback = /^(?:127\.\d+\.\d+\.\d+|localhost|::1)$/.test(config.http.host);
  return isLoopback && problems.join() === "APP_ID" && readSetupConfig().given.environment.length === 0;
}
