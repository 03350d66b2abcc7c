import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { readConfig, type Config } from "../../src/config.ts";
import { appEvents, appPermissions } from "../../src/doctor/app-manifest.ts";
import { runDoctor } from "../../src/doctor/doctor.ts";
import { startStandInServer } from "./stand-in-server.ts";

/** Every secret of a configuration; none of them may ever be printed. */
export const secrets = {
  OPENAI_API_KEY: "sk-canary-0123456789abcdef0123456789abcdef",
  WEBHOOK_SECRET: "webhook-canary-0123456789abcdef",
  PRIVATE_KEY: generateKeyPairSync("rsa", { modulusLength: 2048 })
    .privateKey.export({ type: "pkcs1", format: "pem" })
    .toString(),
};

const appId = 1234;

/** A model API and a GitHub on one loopback port, which know the credentials above, and a folder for runs. */
export type DoctorWorld = AsyncDisposable & {
  folder: string;
  /** The configuration for these stand-ins, with some variables changed. */
  configure(changes?: Record<string, string | undefined>): Config;
  /** What lies in the folder: nothing, since `doctor` leaves nothing behind. */
  listLeftFiles(): string[];
};

export async function openDoctorWorld(): Promise<DoctorWorld> {
  const folder = mkdtempSync(join(tmpdir(), "doctor-"));
  const server = await startStandInServer(({ url, headers }) => {
    if (url === "/v1/models" && headers.authorization === `Bearer ${secrets.OPENAI_API_KEY}`)
      return { status: 200, body: { data: [{ id: "gpt-5.5" }] } };
    if (url === "/api/v3/app" && readIssuer(headers.authorization) === String(appId)) {
      const app = { id: appId, slug: "codex", permissions: appPermissions, events: appEvents };
      return { status: 200, body: { ...app, installations_count: 1 } };
    }
    return { status: 401, body: { message: "Bad credentials" } };
  });
  const environment = {
    ...secrets,
    APP_ID: String(appId),
    OPENAI_BASE_URL: `${server.url}/v1`,
    GHE_HOST: new URL(server.url).host,
    GHE_PROTOCOL: "http",
    RUNS_PATH: "runs",
    RUN_MEMORY: "512m",
    ...pickDockerVariables(),
  };
  return {
    folder,
    configure: (changes = {}) => readConfig({ environment: { ...environment, ...changes }, folder }),
    listLeftFiles: () => readdirSync(folder, { recursive: true, encoding: "utf8" }),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function readIssuer(authorization = ""): unknown {
  const payload = Buffer.from(authorization.split(".")[1] ?? "", "base64url").toString();
  return payload === "" ? null : JSON.parse(payload).iss;
}

function pickDockerVariables(): Record<string, string> {
  const names = ["CODEX_IMAGE", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

export type DoctorRun = { code: number; out: string; err: string };

/** Runs the command to its end. */
export async function consultDoctor(config: Config, { json = false }: { json?: boolean } = {}): Promise<DoctorRun> {
  const [out, err] = [createSink(), createSink()];
  const code = await runDoctor(config, { json, terminal: { out: out.stream, err: err.stream } });
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
