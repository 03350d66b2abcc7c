import type { Command } from "commander";
import { addToken } from "../../access/add-token.ts";
import { TokenEntry } from "../../access/token-entry.ts";
import { createToken, digestToken } from "../../access/token.ts";
import { UsageError, type Terminal } from "./product.ts";

export type TokenFlags = { scope: string; repos?: string; expires?: string; file?: string };

export type McpTokenOptions = {
  terminal: Terminal;
  /** Milliseconds since 1970. */
  clock?: () => number;
};

/** Adds `mcp token <name>` to the `mcp` command. */
export function addMcpToken(mcp: Command, options: McpTokenOptions): void {
  mcp
    .command("token")
    .description("Make a token for MCP over HTTP. It is printed this once; only its SHA-256 is kept.")
    .argument("<name>", "whom it is for: the name that runs and logs will show")
    .option("--scope <scopes>", "what it is good for: run, read, cancel", "run,read,cancel")
    .option("--repos <globs>", "repositories, for example 'octo-org/*,./folder' (default: all)")
    .option("--expires <time>", "when it ends: 12h, 90d (default: never)")
    .option("--file <path>", "add it to this file, which MCP_TOKENS_FILE names, instead of printing the entry")
    .action((name: string, flags: TokenFlags) => makeToken(name, { ...options, flags }));
}

/** Prints a new token on stdout and its entry, or adds the entry to a file. Throws `UsageError` for bad flags or files. */
export function makeToken(
  name: string,
  { flags, terminal, clock = Date.now }: McpTokenOptions & { flags: TokenFlags },
): void {
  const token = createToken();
  const entry = toEntry(name, { flags, token, nowMs: clock() });
  if (flags.file === undefined) {
    terminal.err.write("The token, shown this once, and its entry for `tokens` in MCP_TOKENS_FILE:\n");
    terminal.out.write(`${token}\n${JSON.stringify(entry, null, 2)}\n`);
    return;
  }
  const added = addToFile(flags.file, entry);
  if (added.kind === "refused") throw new UsageError(`${flags.file} ${added.problem}.`);
  terminal.err.write(`The token is in ${flags.file}, by its SHA-256. It is shown this once:\n`);
  terminal.out.write(`${token}\n`);
}

function addToFile(path: string, entry: TokenEntry): ReturnType<typeof addToken> {
  try {
    return addToken(path, { entry });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    return { kind: "refused", problem: `cannot be written (${code})` };
  }
}

type EntryOptions = { flags: TokenFlags; token: string; nowMs: number };

function toEntry(name: string, { flags, token, nowMs }: EntryOptions): TokenEntry {
  const parsed = TokenEntry.safeParse({
    name,
    sha256: digestToken(token).toString("hex"),
    scopes: toList(flags.scope),
    ...(flags.repos === undefined ? {} : { repositories: toList(flags.repos) }),
    ...(flags.expires === undefined ? {} : { expires_at: toExpiry(flags.expires, nowMs) }),
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError(`${fieldNames[String(issue?.path[0])] ?? "The entry"} ${issue?.message}.`);
}

const fieldNames: Record<string, string> = { name: "The name", scopes: "--scope", repositories: "--repos" };

function toList(text: string): string[] {
  return text.split(/[\s,]+/).filter((item) => item !== "");
}

const HOUR_MS = 3_600_000;

/** The end of a lifetime such as 12h or 90d, in whole seconds; at most ten years. */
function toExpiry(text: string, nowMs: number): string {
  const [, count, unit] = /^(\d{1,5})([hd])$/.exec(text) ?? [];
  const hours = Number(count) * (unit === "d" ? 24 : 1);
  if (!(hours > 0 && hours <= 3660 * 24)) throw new UsageError("--expires must be a time such as 12h or 90d.");
  return `${new Date(nowMs + hours * HOUR_MS).toISOString().slice(0, 19)}Z`;
}
