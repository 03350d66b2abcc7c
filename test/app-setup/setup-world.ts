import { EventEmitter, once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { startGitHubStandIn, type GitHubStandIn } from "../../src/demo/github/stand-in.ts";
import { readSetupConfig } from "../../src/config/setup-config.ts";
import { runSetup, type SetUpOptions } from "../../src/commands/setup.ts";
import type { SetupFlags } from "../../src/trigger/cli/setup-command.ts";

/** An empty folder, and a GitHub that makes Apps from manifests. */
export type SetupWorld = AsyncDisposable & {
  folder: string;
  github: GitHubStandIn;
  start(options?: StartOptions): Promise<StartedSetup>;
};

export type StartOptions = {
  flags?: Partial<SetupFlags>;
  environment?: Record<string, string>;
} & Pick<SetUpOptions, "patienceMs" | "smeeUrl">;

/** A `setup` that waits for its browser, or has ended already (`page` is empty then). */
export type StartedSetup = {
  page: string;
  exitCode: Promise<number>;
  interrupts: EventEmitter;
  out(): string;
  err(): string;
};

export async function openSetupWorld(): Promise<SetupWorld> {
  const folder = mkdtempSync(join(tmpdir(), "setup-"));
  const github = await startGitHubStandIn({ issues: [] });
  return {
    folder,
    github,
    start: (options = {}) => start({ ...options, folder, github }),
    [Symbol.asyncDispose]: async () => {
      await github[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function start({
  flags,
  environment,
  folder,
  github,
  ...rest
}: StartOptions & Pick<SetupWorld, "folder" | "github">): Promise<StartedSetup> {
  const texts = { out: "", err: "" };
  const [out, err] = [new PassThrough(), new PassThrough()];
  out.on("data", (chunk) => (texts.out += String(chunk)));
  err.on("data", (chunk) => (texts.err += String(chunk)));
  const interrupts = new EventEmitter();
  const exitCode = runSetup({
    flags: { browser: false, smee: false, force: false, ...flags },
    terminal: { out, err },
    interrupts,
    config: readSetupConfig({
      environment: { GHE_HOST: github.host, GHE_PROTOCOL: "http", ...environment },
      folder,
    }),
    ...rest,
  });
  const findPage = (): string => /http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}/.exec(texts.err)?.[0] ?? "";
  const ended = exitCode.then(
    () => true,
    () => true,
  );
  while (findPage() === "" && !(await Promise.race([ended, once(err, "data").then(() => false)])));
  return { page: findPage(), exitCode, interrupts, out: () => texts.out, err: () => texts.err };
}

/** A form of a page, with what it would send. */
export type Form = { method: string; action: string; fields: Record<string, string> };

/** Reads the one form of a page, in the way a browser does. */
export function readForm(html: string, { base }: { base: string }): Form {
  const [, attributes = "", content = ""] = /<form\b([^>]*)>([\s\S]*?)<\/form>/.exec(html) ?? [];
  const inputs = [...content.matchAll(/<input\b([^>]*)>/g)].map(([, input = ""]) => input);
  return {
    method: readAttribute(attributes, "method") ?? "get",
    action: new URL(readAttribute(attributes, "action") ?? base, base).href,
    fields: Object.fromEntries(
      inputs.map((input) => [readAttribute(input, "name") ?? "", readAttribute(input, "value") ?? ""]),
    ),
  };
}

/** Sends a form as a browser does; follows no redirect. */
export function sendForm({ method, action, fields }: Form): Promise<Response> {
  const body = new URLSearchParams(fields);
  const url = new URL(action);
  if (method === "get") url.search = body.toString();
  return fetch(url, { method: method.toUpperCase(), redirect: "manual", ...(method === "get" ? {} : { body }) });
}

/** Walks from the set-up page over GitHub's pages; resolves with the address that GitHub leads back to. */
export async function walkToCallback(page: string): Promise<string> {
  const offered = readForm(await (await fetch(page)).text(), { base: page });
  const github = await sendForm(offered);
  const confirmed = await sendForm(readForm(await github.text(), { base: offered.action }));
  return confirmed.headers.get("location") ?? "";
}

function readAttribute(text: string, name: string): string | null {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1];
  const entities: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&amp;": "&" };
  return value === undefined ? null : value.replace(/&(?:lt|gt|quot|#39|amp);/g, (entity) => entities[entity] ?? "");
}
