import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Environment } from "./environment.ts";

/** The App's own credentials; all three, or the server has no webhook route. */
export type AppCredentials = { appId: number; privateKey: string; webhookSecret: string | null };

type AppOptions = {
  /** Where a relative PRIVATE_KEY_PATH begins. */
  folder: string;
  /** Gets what is wrong, and `warnings` what is only unwise. */
  problems: { variable: string; problem: string }[];
  warnings: string[];
};

/** Reads the App's credentials; null without an App. What is wrong with them is added to `problems`. */
export function toAppCredentials(env: Environment, { folder, problems, warnings }: AppOptions): AppCredentials | null {
  const webhookSecret = env.WEBHOOK_SECRET ?? null;
  if (webhookSecret !== null && (webhookSecret.length < 12 || webhookSecret === "development")) {
    problems.push({ variable: "WEBHOOK_SECRET", problem: "must be a random text of at least 12 characters" });
  }
  if (env.APP_ID === undefined) return null;
  const privateKey = readPrivateKey(env, { folder, problems, warnings });
  return privateKey === null ? null : { appId: env.APP_ID, privateKey, webhookSecret };
}

function readPrivateKey(env: Environment, { folder, problems, warnings }: AppOptions): string | null {
  const variable =
    env.PRIVATE_KEY === undefined && env.PRIVATE_KEY_PATH !== undefined ? "PRIVATE_KEY_PATH" : "PRIVATE_KEY";
  try {
    if (variable === "PRIVATE_KEY_PATH") checkKeyFile(resolve(folder, env.PRIVATE_KEY_PATH ?? ""), warnings);
    const text =
      variable === "PRIVATE_KEY_PATH"
        ? readFileSync(resolve(folder, env.PRIVATE_KEY_PATH ?? ""), "utf8")
        : env.PRIVATE_KEY;
    if (text === undefined) {
      problems.push({ variable, problem: "is not set, though APP_ID is (or set PRIVATE_KEY_PATH)" });
      return null;
    }
    const pem = text.includes("-----BEGIN")
      ? text.replaceAll("\\n", "\n")
      : Buffer.from(text, "base64").toString("utf8");
    if (/-----BEGIN (?:RSA )?PRIVATE KEY-----[\s\S]+-----END/.test(pem)) return pem;
    problems.push({ variable, problem: "does not hold a PEM private key" });
  } catch {
    problems.push({ variable, problem: "cannot be read" });
  }
  return null;
}

function checkKeyFile(path: string, warnings: string[]): void {
  if ((statSync(path).mode & 0o077) !== 0)
    warnings.push("PRIVATE_KEY_PATH can be read by other users of this machine: chmod 600 it.");
}
