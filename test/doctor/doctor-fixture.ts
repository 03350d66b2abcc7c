import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { readConfig, type Config } from "../../src/config.ts";
import { runDoctor } from "../../src/doctor/doctor.ts";
import { createServices, type Services } from "./services.ts";
import { findClosedUrl, startStandInServer } from "./stand-in-server.ts";

/** Every secret of a configuration; none of them may ever be printed. */
export const secrets = {
  OPENAI_API_KEY: "sk-canary-0123456789abcdef0123456789abcdef",
  WEBHOOK_SECRET: "webhook-canary-0123456789abcdef",
  MCP_AUTH_TOKEN: "mcp-canary-0123456789abcdef0123456789abcdef",
  DASHBOARD_TOKEN: "dashboard-canary-0123456789abcdef0123456789",
  PRIVATE_KEY: makePrivateKey(),
};

/** A PEM as GitHub gives it out. */
export function makePrivateKey(): string {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return privateKey.export({ type: "pkcs1", format: "pem" }).toString();
}

export type Variables = Record<string, string | undefined>;

/** A model API and a GitHub on one loopback port, which know the credentials above, and a folder for runs. */
export type DoctorWorld = AsyncDisposable & {
  folder: string;
  /** What the stand-ins answer; to be changed before the doctor comes. */
  services: Services;
  /** All variables, with some changed. */
  environment(changes?: Variables): Record<string, string>;
  /** The configuration for these stand-ins, with some variables changed. */
  configure(changes?: Variables): Config;
  /** What lies in the folder: nothing, since `doctor` leaves nothing behind. */
  listLeftFiles(): string[];
};

export async function openDoctorWorld(): Promise<DoctorWorld> {
  const folder = mkdtempSync(join(tmpdir(), "doctor-"));
  const services = createServices({ apiKey: secrets.OPENAI_API_KEY, privateKey: secrets.PRIVATE_KEY });
  const server = await startStandInServer(services.answer);
  const variables: Variables = {
    ...secrets,
    APP_ID: String(services.app.id),
    OPENAI_BASE_URL: `${server.url}/v1`,
    GHE_HOST: new URL(server.url).host,
    GHE_PROTOCOL: "http",
    PUBLIC_URL: "https://codex.example",
    PORT: new URL(await findClosedUrl()).port,
    RUNS_PATH: "runs",
    RUN_MEMORY: "512m",
    MAX_CONCURRENT_RUNS: "2",
    ...pickDockerVariables(),
  };
  const environment = (changes: Variables = {}): Record<string, string> =>
    Object.fromEntries(
      Object.entries({ ...variables, ...changes }).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]],
      ),
    );
  return {
    folder,
    services,
    environment,
    configure: (changes) => readConfig({ environment: environment(changes), folder }),
    listLeftFiles: () => readdirSync(folder, { recursive: true, encoding: "utf8" }),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function pickDockerVariables(): Record<string, string> {
  const names = ["CODEX_IMAGE", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

export type DoctorRun = { code: number; out: string; err: string };

export type ConsultOptions = { names?: readonly string[]; json?: boolean; noticeMs?: number };

/** Runs the command to its end. */
export async function consultDoctor(config: Config, options: ConsultOptions = {}): Promise<DoctorRun> {
  const [out, err] = [createSink(), createSink()];
  const terminal = { out: out.stream, err: err.stream };
  const code = await runDoctor(config, { json: false, noticeMs: 60_000, ...options, terminal });
  return { code, out: out.text(), err: err.text() };
}

function createSink(): { stream: Writable; text: () => string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString("utf8") };
}
