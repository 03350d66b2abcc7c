import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { openDatabase } from "../../src/store/database.ts";

/** A PostgreSQL server of one test file. Disposing it ends it and removes all it kept. */
export type PostgresServer = AsyncDisposable & {
  /** Makes a database in which the store's tables are and nothing else, and resolves with its URL. */
  createDatabase(): Promise<string>;
  /** Cuts every connection to a database, as a restart of the server would. */
  cutConnections(url: string): Promise<void>;
};

const password = "only-for-tests";
const startLimitMs = 30_000;

/**
 * Starts a PostgreSQL of our own with the programs of Debian's package: data in the folder for temporary files, listening
 * on a free port of the loopback address, with fsync on. As root it runs as the user `postgres`, since it refuses root.
 */
export async function startPostgres(): Promise<PostgresServer> {
  const programs = findPrograms();
  const owner = findOwner();
  const folder = mkdtempSync(join(tmpdir(), "pg-"));
  // The server's user must come through the folder that the tests got for themselves, not read it.
  if (owner !== null) for (const path of [tmpdir(), folder]) chmodSync(path, 0o711);
  const data = join(folder, "data");
  writeFileSync(join(folder, "password"), password, { mode: 0o644 });
  mkdirSync(data, { mode: 0o700 });
  if (owner !== null) chownSync(data, owner.uid, owner.gid);

  const initdb = ["-D", data, "-U", "postgres", "-A", "password", "--pwfile", join(folder, "password")];
  const made = spawnSync(join(programs, "initdb"), [...initdb, "--no-sync", "-E", "UTF8", "--locale", "C.UTF-8"], {
    ...owner,
    encoding: "utf8",
  });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);

  const port = await findFreePort();
  const settings = { listen_addresses: "127.0.0.1", port, unix_socket_directories: "", max_connections: 200 };
  const server = spawn(
    join(programs, "postgres"),
    ["-D", data, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    { ...owner, stdio: ["ignore", "ignore", "pipe"] },
  );
  const toUrl = (name: string): string => `postgresql://postgres:${password}@127.0.0.1:${port}/${name}`;
  const end = async (): Promise<void> => {
    await endServer(server);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const admin = await connectWhenReady(server, { url: toUrl("postgres") });
    await admin.query("CREATE DATABASE prepared TEMPLATE template0");
    await (await openDatabase({ kind: "postgres", url: toUrl("prepared") }))[Symbol.asyncDispose]();
    return {
      createDatabase: async () => {
        const name = `test_${randomUUID().replaceAll("-", "")}`;
        await admin.query(`CREATE DATABASE ${name} TEMPLATE prepared`);
        return toUrl(name);
      },
      cutConnections: async (url) => {
        const name = new URL(url).pathname.slice(1);
        await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [name]);
      },
      [Symbol.asyncDispose]: async () => {
        await admin.end();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** The folder of the newest version that is installed, as Debian and alike keep them, or else of the one in PATH. */
function findPrograms(): string {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root).sort((one, other) => Number(other) - Number(one)) : [];
  const folders = [...versions.map((version) => join(root, version, "bin")), ...(process.env["PATH"] ?? "").split(":")];
  const found = folders.find((folder) => existsSync(join(folder, "initdb")));
  if (found === undefined) throw new Error("PostgreSQL is missing; `npm test` installs it on Debian as root");
  return found;
}

/** Null when this is not root: then the server runs as the user that runs the tests. */
function findOwner(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const [uid, gid] = ["-u", "-g"].map((flag) =>
    Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout),
  );
  if (!uid || !gid) throw new Error("the user postgres is missing");
  return { uid, gid };
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function connectWhenReady(server: ChildProcess, { url }: { url: string }): Promise<Client> {
  let log = "";
  server.stderr?.on("data", (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4096)));
  const untilMs = performance.now() + startLimitMs;
  while (performance.now() < untilMs && server.exitCode === null) {
    const client = new Client({ connectionString: url });
    client.on("error", () => {});
    const isConnected = await client.connect().then(
      () => true,
      () => false,
    );
    if (isConnected) return client;
    await sleep(25);
  }
  throw new Error(`PostgreSQL did not start: ${log}`);
}

/** An immediate shutdown: what it would still flush is thrown away anyway. */
async function endServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const isOver = once(server, "exit");
  server.kill("SIGQUIT");
  await isOver;
}
