import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { RunError } from "../../src/run/failure.ts";
import { lockFile } from "../../src/store/lock-file.ts";
import { makeProcessLogin } from "./process-login.ts";

/**
 * A process of its own that uses a login, started by tests: `<command> <auth.json or database> <token url>`. It says `ready`, waits for
 * a word, and writes one line of JSON for each thing it did.
 */
const [command = "", path = "", tokenUrl = ""] = process.argv.slice(2);
const login = makeProcessLogin(path, tokenUrl);

const write = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

async function ask(): Promise<unknown> {
  try {
    return (await login.authorization())["authorization"];
  } catch (error) {
    return error instanceof RunError ? error.failure : String(error);
  }
}

write("ready");
readFileSync(0);

switch (command) {
  case "twenty-runs":
    write(await Promise.all(Array.from({ length: 10 }, ask)));
    break;
  case "hold-lock": {
    using _lock = await lockFile(`${path}.lock`, { waitMs: 1_000 });
    write("locked");
    await sleep(60_000);
    break;
  }
  case "hold-vault": {
    const { openDatabase } = await import("../../src/store/database.ts");
    const { createLoginVault } = await import("../../src/store/login-vault.ts");
    await using database = await openDatabase({ kind: "postgres", url: path });
    await createLoginVault(database)?.lock(() => sleep(60_000, write("locked")), { waitMs: 10_000 });
    break;
  }
  case "renew-for-ever":
    for (;;) write(await ask());
  default:
    throw new Error(`unknown command ${command}`);
}
