import type { EventEmitter } from "node:events";
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { makeSmeeChannel } from "../app-setup/smee.ts";
import { findWriteProblem } from "../app-setup/env-file.ts";
import { openBrowser } from "../app-setup/open-browser.ts";
import { setUpApp, type SetupEnd } from "../app-setup/set-up-app.ts";
import { parsePublicUrl, type WebhookAddress } from "../app-setup/webhook-address.ts";
import { checkGitHub } from "../doctor/check-github.ts";
import { readSetupConfig, type SetupConfig } from "../config/setup-config.ts";
import { exitCodes, UsageError, type Terminal } from "../trigger/cli/product.ts";
import type { SetupFlags } from "../trigger/cli/setup-command.ts";

export type SetUpOptions = {
  flags: SetupFlags;
  terminal: Terminal;
  /** Tells of SIGINT and SIGTERM. */
  interrupts: EventEmitter;
  /** Default: the environment and `.env` of the current folder. */
  config?: SetupConfig;
  /** How long the page waits, in milliseconds. Default: ten minutes. */
  patienceMs?: number;
  /** Where channels are made. Default: smee.io. */
  smeeUrl?: string;
};

const PATIENCE_MS = 600_000;
const CHECK_MS = 15_000;
const AGAIN = "Run `codex-orchestrator setup` again.";

/**
 * `setup`: makes the GitHub App in the browser and writes its credentials to the `.env`. Resolves with the exit code: 0 made,
 * 1 refused, 4 nobody came, 5 stopped. Throws `UsageError` when it cannot begin. Prints no secret.
 */
export async function runSetup(options: SetUpOptions): Promise<number> {
  const { flags, terminal, interrupts, config = readSetupConfig(), patienceMs = PATIENCE_MS } = options;
  const say = (line: string): void => void terminal.err.write(`${line}\n`);
  await checkPlace(config, flags);
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  for (const signal of ["SIGINT", "SIGTERM"]) interrupts.once(signal, onSignal);
  try {
    const address = await chooseAddress(config, { ...options, signal: stop.signal });
    const end = await setUpApp({
      github: config.github,
      organisation: flags.org ?? null,
      address,
      port: flags.port ?? 0,
      envPath: config.envPath,
      keyFile: toKeyFile(config, flags),
      patienceMs,
      signal: stop.signal,
      onPage: (url) => {
        say(`Open this page on this machine, and make the GitHub App there:\n\n  ${url}\n`);
        const { port } = new URL(url);
        say(`From another machine it is reached through \`ssh -L ${port}:127.0.0.1:${port}\`. Ctrl-C ends it.`);
        if (flags.browser && config.browser === "here") openBrowser(url);
      },
      onRefused: say,
    });
    return await tellEnd(end, { config, terminal, patienceMs });
  } catch (error) {
    if (stop.signal.aborted) return await tellEnd({ kind: "stopped" }, { config, terminal, patienceMs });
    throw toUsageError(error, flags);
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"]) interrupts.off(signal, onSignal);
  }
}

/** Refuses what would lose the credentials of an App that is there already, or those of the new one. */
async function checkPlace(config: SetupConfig, flags: SetupFlags): Promise<void> {
  const { given, envPath } = config;
  const keyFile = toKeyFile(config, flags);
  const [fixed] = given.environment;
  if (fixed !== undefined) {
    throw new UsageError(
      `${fixed} is set in the environment, which wins over .env: unset it there before you run \`codex-orchestrator setup\`.`,
    );
  }
  if (given.file.includes("APP_ID") && !flags.force) {
    throw new UsageError(
      `${envPath} has an APP_ID already. \`codex-orchestrator doctor\` checks it; --force puts a new App in its place.`,
    );
  }
  if (keyFile !== null && existsSync(keyFile.path) && !flags.force)
    throw new UsageError(`${keyFile.path} is there already. --force puts the new App's key in its place.`);
  const problem = (await findWriteProblem(envPath)) ?? (keyFile === null ? null : await findWriteProblem(keyFile.path));
  if (problem !== null) throw new UsageError(`${problem}: the App's credentials could not be kept.`);
}

function toKeyFile({ envPath }: SetupConfig, { keyFile }: SetupFlags): { named: string; path: string } | null {
  return keyFile === undefined ? null : { named: keyFile, path: resolve(dirname(envPath), keyFile) };
}

type AddressOptions = SetUpOptions & { signal: AbortSignal };

/** Where webhooks will go; null: the page asks. */
async function chooseAddress(
  { github, publicUrl, webhookProxyUrl }: SetupConfig,
  { flags, smeeUrl, signal, terminal }: AddressOptions,
): Promise<WebhookAddress | null> {
  if (flags.smee) {
    const proxyUrl = webhookProxyUrl ?? (await makeSmeeChannel({ ...(smeeUrl && { newUrl: smeeUrl }), signal }));
    if (proxyUrl === null)
      throw new UsageError(
        "smee.io gives no channel now: try again later, or say --url where GitHub reaches this server.",
      );
    terminal.err.write(`Webhooks come through ${proxyUrl}, which sees all of them: good for trying things out.\n`);
    return { kind: "proxy", proxyUrl };
  }
  const text = flags.url ?? publicUrl;
  if (text === null) return webhookProxyUrl === null ? null : { kind: "proxy", proxyUrl: webhookProxyUrl };
  const parsed = parsePublicUrl(text, github);
  if (parsed.kind === "address") return parsed.address;
  throw new UsageError(`${flags.url === undefined ? "PUBLIC_URL" : "--url"} cannot be taken: ${parsed.problem}.`);
}

type TellOptions = { config: SetupConfig; terminal: Terminal; patienceMs: number };

async function tellEnd(end: SetupEnd, { config, terminal, patienceMs }: TellOptions): Promise<number> {
  const say = (line: string): void => void terminal.err.write(`${line}\n`);
  switch (end.kind) {
    case "made":
      terminal.out.write(
        `The GitHub App ${end.app.slug} (${end.app.id}) is made, and ${config.envPath} has its credentials.\n`,
      );
      return proveApp(end, { config, terminal });
    case "not-kept":
      say(
        `GitHub made the App, but its credentials could not be written: ${end.why}. Delete it at ${end.settingsUrl}, then run \`codex-orchestrator setup\` again.`,
      );
      return exitCodes.error;
    case "refused":
      say(`No App is set up: ${end.why}. ${AGAIN}`);
      return exitCodes.error;
    case "late":
      say(`Nobody made the App within ${Math.round(patienceMs / 60_000)} minutes. ${AGAIN}`);
      return exitCodes.timeout;
    case "stopped":
      say("Stopped; no App was set up.");
      return exitCodes.cancelled;
  }
}

/** Asks GitHub with the new credentials, as `doctor` does, and says what comes next. */
async function proveApp(
  { app, installUrl, settingsUrl }: Extract<SetupEnd, { kind: "made" }>,
  { config, terminal }: Omit<TellOptions, "patienceMs">,
): Promise<number> {
  const credentials = { appId: app.id, privateKey: app.privateKey, webhookSecret: app.webhookSecret };
  const finding = await checkGitHub(
    { ...config.github, app: credentials, token: null },
    { signal: AbortSignal.timeout(CHECK_MS) },
  ).catch(() => null);
  if (finding?.verdict === "passed") terminal.out.write(`GitHub knows it: ${finding.detail}.\n`);
  if (finding?.verdict === "failed") terminal.err.write(`${finding.detail}. ${finding.mend}\n`);
  if (app.webhookSecret === null) {
    terminal.err.write(
      `GitHub gave it no webhook secret: set one at ${settingsUrl}, and the same as WEBHOOK_SECRET in the .env.\n`,
    );
  }
  terminal.out.write(
    `Next: install it at ${installUrl}, prove the rest with \`codex-orchestrator doctor\`, then \`codex-orchestrator serve\`.\n`,
  );
  return finding?.verdict === "passed" && app.webhookSecret !== null ? 0 : exitCodes.error;
}

function toUsageError(error: unknown, { port }: SetupFlags): unknown {
  const code = error instanceof Error && "code" in error ? error.code : null;
  if (code === "EADDRINUSE" || code === "EACCES")
    return new UsageError(`Port ${port} of 127.0.0.1 cannot be used (${code}): give another --port.`);
  return error;
}
