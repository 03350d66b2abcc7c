import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { CheckName } from "../../src/doctor/check-names.ts";
import { createLogger } from "../../src/logger.ts";
import { createMask } from "../../src/masking/mask.ts";
import { openDatabase } from "../../src/store/database.ts";
import { toStatePaths } from "../../src/store/paths.ts";
import { createWebhookGate } from "../../src/trigger/github/gate.ts";
import { healthRoute } from "../../src/web/health.ts";
import { startWebServer, type WebServer } from "../../src/web/server.ts";
import { makeAuthFolder, toChatGptFile } from "../login/login-fixture.ts";
import { makePrivateKey, type DoctorWorld, type Variables } from "./doctor-fixture.ts";
import { makeImage } from "./images.ts";
import { findClosedUrl, startStandInServer } from "./stand-in-server.ts";

export type Planted = {
  /** Variables that differ. */
  changes?: Variables;
  /** Runs the command in a mount namespace of its own, where a disk in memory with these options is mounted at `runs`. */
  mount?: { options: string; fill?: string };
  /** Disposed when the doctor has gone. */
  parts?: AsyncDisposable[];
};

/** One thing that is wrong on a machine where all else is well, and what must be said of it. */
export type Fault = {
  name: string;
  plant: (world: DoctorWorld) => Planted | Promise<Planted>;
  fails: CheckName;
  detail: RegExp;
  mend: RegExp;
};

/** Faults of this machine: the whole command is run, as people run it. */
export const machineFaults: readonly Fault[] = [
  {
    name: "the engine is down",
    plant: () => ({ changes: { DOCKER_HOST: "unix:///nonexistent/docker.sock" } }),
    ...{ fails: "docker", detail: /could not be reached: .*docker\.sock/, mend: /DOCKER_HOST/ },
  },
  {
    name: "RUN_RUNTIME is not known to the engine",
    plant: () => ({ changes: { RUN_RUNTIME: "no-such-runtime" } }),
    ...{ fails: "docker", detail: /no runtime no-such-runtime, only .*runc/, mend: /RUN_RUNTIME/ },
  },
  {
    name: "the image is missing",
    plant: () => ({ changes: { CODEX_IMAGE: "no-such-image:doctor" } }),
    ...{ fails: "image", detail: /no-such-image:doctor does not exist/, mend: /codex-orchestrator image build/ },
  },
  {
    name: "the image is without Codex",
    plant: async () => toImageFault(await makeImage({ labels: [] })),
    ...{ fails: "image", detail: /does not name its Codex version/, mend: /codex-orchestrator image build/ },
  },
  {
    name: "the image says that it has Codex, and there is nothing in it",
    plant: async () => toImageFault(await makeImage({ labels: ["codex-orchestrator.codex-version=0.169.0"] })),
    ...{ fails: "container-profile", detail: /not found|no such file|not of the runner/i, mend: /image build/ },
  },
  {
    name: "the engine does not see RUNS_PATH",
    plant: () => ({ mount: { options: "size=4g,mode=0750" } }),
    ...{ fails: "container-profile", detail: /does not see a folder of the run/, mend: /DOCKER_HOST and RUNS_PATH/ },
  },
  {
    name: "ripgrep was taken out of the image",
    plant: async () => toImageFault(await makeImage({ without: "rg" })),
    ...{ fails: "codex", detail: /search command could not be verified/, mend: /codex-orchestrator image build/ },
  },
  {
    name: "an image of ALLOWED_IMAGES is missing",
    plant: () => ({ changes: { ALLOWED_IMAGES: "registry.example/team/*, no-such-image:1" } }),
    ...{ fails: "allowed-images", detail: /names no-such-image:1, which/, mend: /docker pull no-such-image:1/ },
  },
  {
    name: "git is too old",
    plant: ({ folder }) => ({ changes: { PATH: makePrograms(folder, { git: "git version 2.20.1" }) } }),
    ...{ fails: "git", detail: /git version 2\.20\.1 is older than 2\.30/, mend: /Install git/ },
  },
  {
    name: "git is missing",
    plant: ({ folder }) => ({ changes: { PATH: makePrograms(folder, { git: null }) } }),
    ...{ fails: "git", detail: /no git in PATH/, mend: /Install git/ },
  },
  {
    name: "anybody can read .env",
    plant: ({ folder }) => {
      writeFileSync(join(folder, ".env"), "LOG_LEVEL=info\n");
      chmodSync(join(folder, ".env"), 0o644);
      return {};
    },
    ...{ fails: "files", detail: /\.env \(0644\)/, mend: /^chmod 600 \S+\.env/ },
  },
  {
    name: "the disk is nearly full",
    plant: () => ({ mount: { options: "size=64m,mode=0750", fill: "60M" } }),
    ...{ fails: "disk", detail: /only 4\.0 MiB are free on the disk of RUNS_PATH, and 6\.4 MiB/, mend: /runs prune/ },
  },
  {
    name: "RUNS_PATH cannot be written",
    plant: () => ({ mount: { options: "ro,mode=0750" } }),
    ...{ fails: "disk", detail: /EROFS/, mend: /RUNS_PATH/ },
  },
  {
    name: "a newer version has written the database",
    plant: async ({ folder }) => {
      const path = await makeDatabase(folder);
      const database = new DatabaseSync(path);
      database.exec("INSERT INTO migrations (name, applied_at) VALUES ('999-future', '2030-01-01T00:00:00Z')");
      database.close();
      return {};
    },
    ...{ fails: "database", detail: /newer version.*999-future/, mend: /Upgrade/ },
  },
  {
    name: "the database is damaged",
    plant: async ({ folder }) => {
      writeFileSync(await makeDatabase(folder), "not a database, however long this text may be. ".repeat(100));
      return {};
    },
    ...{ fails: "database", detail: /not a database/, mend: /restore a copy/ },
  },
  {
    name: "PostgreSQL is down",
    plant: async () => {
      const { host } = new URL(await findClosedUrl());
      return { changes: { DATABASE_URL: `postgresql://codex:database-canary@${host}/codex` } };
    },
    ...{ fails: "database", detail: /ECONNREFUSED/, mend: /DATABASE_URL/ },
  },
];

/** Faults of what is asked over the network. */
export const serviceFaults: readonly Fault[] = [
  {
    name: "the model key is wrong",
    plant: () => ({ changes: { OPENAI_API_KEY: "sk-wrong-canary-0123456789" } }),
    ...{ fails: "model", detail: /does not accept the key \(HTTP 401\)/, mend: /OPENAI_API_KEY/ },
  },
  {
    name: "the quota of the model API is used up",
    plant: ({ services }) => {
      const error = { type: "insufficient_quota", code: "insufficient_quota", message: "You exceeded your quota" };
      services.modelAnswer = { status: 429, body: { error } };
      return {};
    },
    ...{ fails: "model", detail: /HTTP 429/, mend: /billing/ },
  },
  {
    name: "nothing listens where the model API should be",
    plant: async () => ({ changes: { OPENAI_BASE_URL: `${await findClosedUrl()}/v1` } }),
    ...{ fails: "model", detail: /connection refused/, mend: /OPENAI_BASE_URL/ },
  },
  {
    name: "the model API does not know CODEX_MODEL",
    plant: () => ({ changes: { CODEX_MODEL: "gpt-0-typo" } }),
    ...{ fails: "model", detail: /does not know gpt-0-typo/, mend: /CODEX_MODEL/ },
  },
  {
    name: "the ChatGPT login is not there",
    plant: () => ({ changes: { OPENAI_API_KEY: undefined, CODEX_AUTH_PATH: "no-login/auth.json" } }),
    ...{ fails: "model", detail: /CODEX_AUTH_PATH names no file/, mend: /codex login/ },
  },
  {
    name: "others can read the ChatGPT login",
    plant: async () => {
      const login = await makeAuthFolder(toChatGptFile("canary", 3600));
      chmodSync(login.path, 0o644);
      return { changes: { OPENAI_API_KEY: undefined, CODEX_AUTH_PATH: login.path }, parts: [login] };
    },
    ...{ fails: "model", detail: /read by other users/, mend: /chmod 600/ },
  },
  {
    name: "the clock is off by ten minutes",
    plant: ({ services }) => {
      services.aheadMs = 600_000;
      return {};
    },
    ...{ fails: "clock", detail: /GitHub differ by (599|600|601) s/, mend: /timedatectl/ },
  },
  {
    name: "the private key is another App's",
    plant: () => ({ changes: { PRIVATE_KEY: makePrivateKey() } }),
    ...{ fails: "github", detail: /does not accept the credentials of the App 1234/, mend: /private key/ },
  },
  {
    name: "the App lacks a permission",
    plant: ({ services: { app } }) => {
      app.permissions["contents"] = "read";
      return {};
    },
    ...{ fails: "github", detail: /lacks the permission contents: write$/, mend: /Permissions & events/ },
  },
  {
    name: "the App does not hear of an event",
    plant: ({ services: { app } }) => {
      app.events = app.events.filter((event) => event !== "issue_comment");
      return {};
    },
    ...{ fails: "github", detail: /lacks the event issue_comment$/, mend: /Permissions & events/ },
  },
  {
    name: "an installation has not accepted a new permission",
    plant: ({ services: { installation } }) => {
      delete installation.permissions["checks"];
      return {};
    },
    ...{ fails: "installations", detail: /octo-org has not granted the permission checks: write/, mend: /accepts.*77/ },
  },
  {
    name: "GitHub's requests of this hour are used up",
    plant: ({ services }) => {
      services.remaining = 0;
      return {};
    },
    ...{ fails: "installations", detail: /5000 requests/, mend: /Wait until/ },
  },
  {
    name: "the server that runs has another webhook secret",
    plant: async () => toServer(await startProduct("another-secret-0123456789")),
    ...{ fails: "webhook-secret", detail: /refuses a ping.*HTTP 401/, mend: /restart `codex-orchestrator serve`/ },
  },
  {
    name: "another program listens on PORT",
    plant: async () => {
      const other = await startStandInServer({ status: 200, body: "hello" });
      return { changes: { PORT: new URL(other.url).port }, parts: [other] };
    },
    ...{ fails: "webhook-secret", detail: /another program listens/, mend: /PORT/ },
  },
  {
    name: "GitHub sends webhooks elsewhere",
    plant: ({ services: { hook } }) => {
      hook.url = "https://old.example/api/github/webhooks";
      return {};
    },
    ...{ fails: "webhook-url", detail: /old\.example.*not to https:\/\/codex\.example/, mend: /PUBLIC_URL/ },
  },
  {
    name: "what GitHub delivers is refused",
    plant: ({ services: { deliveries } }) => {
      const refused = { status: "Invalid HTTP Response: 401", status_code: 401 };
      deliveries.unshift({ delivered_at: new Date().toISOString(), ...refused });
      return {};
    },
    ...{ fails: "webhook-url", detail: /1 of the last 2 deliveries failed.*HTTP 401/, mend: /WEBHOOK_SECRET/ },
  },
];

function toImageFault(made: AsyncDisposable & { image: string }): Planted {
  return { changes: { CODEX_IMAGE: made.image }, parts: [made] };
}

function toServer(server: WebServer): Planted {
  return { changes: { PORT: String(server.port) }, parts: [server] };
}

/** What of `serve` the doctor speaks to: the product's own HTTP server and its own gate. */
export function startProduct(secret: string): Promise<WebServer> {
  const gate = createWebhookGate({
    secret,
    handle: async () => {},
    log: createLogger({ level: "fatal", mask: createMask([]) }),
  });
  const webhooks = async (...[request, response, path]: Parameters<typeof healthRoute>): Promise<boolean> => {
    if (path !== "/api/github/webhooks") return false;
    await gate(request, response);
    return true;
  };
  return startWebServer({ host: "127.0.0.1", port: 0, routes: [healthRoute, webhooks], onError: () => {} });
}

async function makeDatabase(folder: string): Promise<string> {
  const { database: path } = toStatePaths(join(folder, "runs"));
  mkdirSync(dirname(path), { recursive: true });
  await (await openDatabase({ kind: "sqlite", path }))[Symbol.asyncDispose]();
  return path;
}

/** A folder of programs with all that the product starts but git, or with an old one. */
function makePrograms(folder: string, { git }: { git: string | null }): string {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  for (const name of ["chmod", "find", "rm"]) symlinkSync(`/bin/${name}`, join(bin, name));
  if (git !== null) writeFileSync(join(bin, "git"), `#!/bin/sh\necho ${git}\n`, { mode: 0o755 });
  return bin;
}
