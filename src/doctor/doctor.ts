import type { Config } from "../config.ts";
import { createDockerEngine } from "../container/docker-engine.ts";
import type { ContainerEngine } from "../container/engine.ts";
import { findEndpoint } from "../container/find-endpoint.ts";
import { createMask, type Mask } from "../mask.ts";
import { toStatePaths } from "../store/paths.ts";
import type { Terminal } from "../trigger/cli/product.ts";
import { checkContainerProfile } from "./check-container-profile.ts";
import { checkDatabase } from "./check-database.ts";
import { checkDisk } from "./check-disk.ts";
import { checkDocker } from "./check-docker.ts";
import { checkGateway } from "./check-gateway.ts";
import { checkGit } from "./check-git.ts";
import { checkGitHub } from "./check-github.ts";
import { checkImage } from "./check-image.ts";
import { checkLogin } from "./check-login.ts";
import { checkModel } from "./check-model.ts";
import { checkNode } from "./check-node.ts";
import { checkWebhookSecret } from "./check-webhook-secret.ts";
import type { Check, CheckResult } from "./check.ts";
import { toReportDocument, toReportLines } from "./report.ts";
import { runChecks } from "./run-checks.ts";
import { openStateFolders } from "./state-folders.ts";

export type RunDoctorOptions = {
  /** Prints one JSON document in place of lines. */
  json: boolean;
  terminal: Terminal;
};

/** Long for one answer, short for somebody who waits. */
const ANSWER_MS = 15_000;
const CONTAINER_MS = 90_000;

/**
 * `doctor`: proves every step that a run needs and says how to mend what fails. Leaves nothing behind. Resolves with the
 * exit code, 0 or 1; never rejects for a step that fails, and never prints a secret.
 */
export async function runDoctor(config: Config, { json, terminal }: RunDoctorOptions): Promise<number> {
  const mask = createMask(toSecrets(config));
  const print = (result: CheckResult): void => {
    if (!json) terminal.out.write(toReportLines(maskResult(result, { mask })));
  };
  if (!json) for (const warning of config.warnings) terminal.err.write(`! ${warning}\n`);

  await using folders = new AsyncDisposableStack();
  const results = await runChecks(toChecks(config, { folders }), { onResult: print });
  const document = toReportDocument(results.map((result) => maskResult(result, { mask })));
  if (json) terminal.out.write(`${JSON.stringify(document, null, 2)}\n`);
  return document.ok ? 0 : 1;
}

/** The checks in the order of the report. What `disk` makes is handed to `folders`. */
function toChecks(config: Config, { folders }: { folders: AsyncDisposableStack }): Check[] {
  const paths = toStatePaths(config.paths.runs);
  const openEngine = (): ContainerEngine => createDockerEngine({ endpoint: findEndpoint(config.docker) });
  const inContainer = { needs: ["docker", "image", "disk"], timeoutMs: CONTAINER_MS } as const;
  const alone = { needs: [], timeoutMs: ANSWER_MS } as const;
  return [
    { name: "node", ...alone, run: async () => checkNode() },
    { name: "docker", ...alone, run: async () => checkDocker(openEngine, config) },
    { name: "image", needs: ["docker"], timeoutMs: ANSWER_MS, run: async () => checkImage(openEngine(), config) },
    {
      name: "container-profile",
      ...inContainer,
      run: async ({ signal }) => checkContainerProfile(openEngine(), { config, paths, signal }),
    },
    {
      name: "gateway",
      ...inContainer,
      run: async ({ signal }) => checkGateway(openEngine(), { config, paths, signal }),
    },
    {
      name: "model",
      ...alone,
      run: async ({ signal }) => (await checkLogin(config.model)) ?? checkModel(config.model, { signal }),
    },
    { name: "git", ...alone, run: ({ signal }) => checkGit({ signal }) },
    { name: "github", ...alone, run: ({ signal }) => checkGitHub(config.github, { signal }) },
    { name: "webhook-secret", ...alone, run: async () => checkWebhookSecret(config.github) },
    {
      name: "disk",
      ...alone,
      run: () =>
        checkDisk(paths, {
          limits: config.limits,
          openFolders: async () => void folders.use(await openStateFolders(paths)),
        }),
    },
    {
      name: "database",
      needs: ["disk"],
      timeoutMs: ANSWER_MS,
      run: () => checkDatabase(paths, { url: config.databaseUrl }),
    },
  ];
}

/** Every value that the report must not show. */
function toSecrets({ model, github }: Config): string[] {
  const { app, token } = github;
  return [model.apiKey, token, app?.privateKey, app?.webhookSecret].filter((secret) => typeof secret === "string");
}

function maskResult({ name, ok, detail, mend }: CheckResult, { mask }: { mask: Mask }): CheckResult {
  return { name, ok, detail: mask.text(detail), mend: mend === null ? null : mask.text(mend) };
}
