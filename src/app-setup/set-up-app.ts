import { startWebServer } from "../web/server.ts";
import { convertCode, type NewApp } from "./convert-code.ts";
import { writeEnvFile, writePrivateFile } from "./env-file.ts";
import type { EnvValues } from "./env-text.ts";
import { readManifestTemplate } from "./manifest.ts";
import { toMadePage, toProblemPage } from "./pages.ts";
import { createSetupRoute } from "./setup-route.ts";
import type { WebhookAddress } from "./webhook-address.ts";

export type SetUpAppOptions = {
  github: { webUrl: string; apiUrl: string };
  /** Whose App it becomes; null: the person's who is signed in. */
  organisation: string | null;
  /** Where webhooks go; null: the page asks. */
  address: WebhookAddress | null;
  /** 0: any free one. */
  port: number;
  envPath: string;
  /** A file of its own for the private key, as it stands in the `.env` and in full; null: in the `.env` itself. */
  keyFile: { named: string; path: string } | null;
  /** How long the page waits, in milliseconds. */
  patienceMs: number;
  /** Aborts when somebody stops it. */
  signal: AbortSignal;
  /** Hears the page's address once it is there, and of callbacks that were refused. */
  onPage: (url: string) => void;
  onRefused: (sentence: string) => void;
};

/** How a set-up ended. `not-kept`: GitHub made the App and its credentials could not be written. */
export type SetupEnd =
  | { kind: "made"; app: NewApp; installUrl: string; settingsUrl: string }
  | { kind: "not-kept"; why: string; settingsUrl: string }
  | { kind: "refused"; why: string }
  | { kind: "late" }
  | { kind: "stopped" };

/** Longest wait for GitHub's answer to the code. */
const ANSWER_MS = 30_000;

/**
 * Shows the set-up page on a loopback port until one App is made from it and its credentials are in the `.env`. Resolves
 * with how it ended, the port closed again. Rejects when the port cannot be had.
 */
export async function setUpApp(options: SetUpAppOptions): Promise<SetupEnd> {
  const { promise: end, resolve } = Promise.withResolvers<SetupEnd>();
  let isConverting = false;
  const route = createSetupRoute({
    ...options,
    webUrl: options.github.webUrl,
    template: await readManifestTemplate(),
    onCode: async (code, { address }) => {
      isConverting = true;
      const outcome = await takeCode(code, { ...options, address });
      // After the page is on its way: the port closes with it.
      setImmediate(() => resolve(outcome));
      return toPage(outcome);
    },
  });
  // Once GitHub has the code, the App's key must not be lost.
  const stop = (kind: "late" | "stopped"): void => {
    if (!isConverting) resolve({ kind });
  };
  const port = Promise.withResolvers<number>();
  await using server = await startWebServer({
    host: "127.0.0.1",
    port: options.port,
    routes: [async (...request) => route.createRoute(await port.promise)(...request)],
    onError: (error) => options.onRefused(error instanceof Error ? error.message : String(error)),
  });
  port.resolve(server.port);
  const clock = setTimeout(() => stop("late"), options.patienceMs);
  options.signal.addEventListener("abort", () => stop("stopped"), { once: true });
  if (options.signal.aborted) stop("stopped");
  options.onPage(`http://127.0.0.1:${server.port}${route.pagePath}`);
  return await end.finally(() => clearTimeout(clock));
}

type TakeCodeOptions = SetUpAppOptions & { address: WebhookAddress };

async function takeCode(code: string, options: TakeCodeOptions): Promise<SetupEnd> {
  const { github, organisation, envPath, keyFile, address } = options;
  const signal = AbortSignal.timeout(ANSWER_MS);
  const conversion = await convertCode(code, { apiUrl: github.apiUrl, signal }).catch(
    () => ({ kind: "refused", why: `GitHub did not answer within ${ANSWER_MS / 1000} s` }) as const,
  );
  if (conversion.kind === "refused") return conversion;
  const { app } = conversion;
  const owner = organisation === null ? "" : `/organizations/${encodeURIComponent(organisation)}`;
  const settingsUrl = `${github.webUrl}${owner}/settings/apps/${app.slug}`;
  try {
    const heading = `The GitHub App ${app.slug}, made by \`codex-orchestrator setup\`. Keep this file to yourself.`;
    if (keyFile !== null) await writePrivateFile(keyFile.path, app.privateKey);
    const keyName = keyFile?.named ?? null;
    await writeEnvFile(envPath, { values: toEnvValues(app, { address, keyName, webUrl: github.webUrl }), heading });
  } catch (error) {
    return { kind: "not-kept", why: error instanceof Error ? error.message : String(error), settingsUrl };
  }
  return { kind: "made", app, installUrl: toInstallUrl(app, { webUrl: github.webUrl }), settingsUrl };
}

type ToEnvOptions = { address: WebhookAddress; keyName: string | null; webUrl: string };

/** The key is one line, so that Docker's and systemd's environment files take it, too. */
function toEnvValues(app: NewApp, { address, keyName, webUrl }: ToEnvOptions): EnvValues {
  const { protocol, host } = new URL(webUrl);
  return {
    APP_ID: String(app.id),
    ...(keyName === null
      ? { PRIVATE_KEY: Buffer.from(app.privateKey).toString("base64") }
      : { PRIVATE_KEY: "", PRIVATE_KEY_PATH: keyName }),
    ...(app.webhookSecret === null ? {} : { WEBHOOK_SECRET: app.webhookSecret }),
    ...(address.kind === "public" ? { PUBLIC_URL: address.publicUrl } : { WEBHOOK_PROXY_URL: address.proxyUrl }),
    ...(host === "github.com" ? {} : { GHE_HOST: host, GHE_PROTOCOL: protocol.slice(0, -1) }),
  };
}

/** A GitHub says itself where its App's page is; one that names another host is not believed. */
function toInstallUrl({ htmlUrl, slug }: NewApp, { webUrl }: { webUrl: string }): string {
  const page = new URL(htmlUrl).origin === new URL(webUrl).origin ? htmlUrl : `${webUrl}/apps/${slug}`;
  return `${page}/installations/new`;
}

function toPage(end: SetupEnd): { status: number; page: string } {
  switch (end.kind) {
    case "made":
      return { status: 200, page: toMadePage({ slug: end.app.slug, installUrl: end.installUrl }) };
    case "not-kept":
      return {
        status: 500,
        page: toProblemPage("The App is made, but its credentials could not be kept. The terminal says more."),
      };
    case "refused":
      return { status: 502, page: toProblemPage(`No App is set up: ${end.why}.`) };
    case "late":
    case "stopped":
      return { status: 410, page: toProblemPage("This set-up is over.") };
  }
}
