import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { ConfigError } from "./config-error.ts";
import { Environment } from "./environment.ts";

/** Variables as an environment or a file gives them. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** The values that are given: what the environment sets wins over the file. */
export function toValues(environment: Variables, { file }: { file: Variables }): Record<string, string> {
  const names = Object.keys(Environment.shape);
  const values = names.map((name) => [name, toGiven(environment[name]) ?? toGiven(file[name]) ?? ""] as const);
  return Object.fromEntries(
    values.filter(
      ([name, value]) => value !== "" || (name === "WEBHOOK_SECRET" && (environment[name] ?? file[name]) !== undefined),
    ),
  );
}

/** Some MCP clients hand on a reference to a variable that they do not have as it stands: that sets nothing either. */
const UNRESOLVED = /^\$\{(?:env:)?\w+(?::-)?\}$/;

/** What a variable is set to; null when that is nothing. */
export function toGiven(text: string | undefined): string | null {
  const value = text?.trim() ?? "";
  return value === "" || UNRESOLVED.test(value) ? null : value;
}

/** Reads a `.env`; one that is not there sets nothing. Throws `ConfigError`. */
export function readEnvFile(path: string): Record<string, string | undefined> {
  try {
    return parseEnv(readFileSync(path, "utf8").replace(/^\uFEFF/, ""));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw new ConfigError([{ variable: ".env", problem: "cannot be read" }]);
  }
}
