import { z } from "zod";

/** What a token is good for: starting runs, looking at them, cancelling them. */
export const Scope = z.enum(["run", "read", "cancel"], { error: "must be of run, read and cancel" });
export type Scope = z.infer<typeof Scope>;

/** The name of the token in MCP_AUTH_TOKEN, which has no entry. */
export const UNNAMED = "mcp";

/**
 * `owner/name`, a URL, or `./folder` and `.` for what lies in WORKSPACE_PATH. A glob that begins with `!` would allow all
 * that it does not name, so there is none.
 */
const RepositoryGlob = z
  .string()
  .max(512)
  .regex(
    /^(?:\.|\*\*|(?!!)[\u0021-\u007e]*\/[\u0021-\u007e]+)$/,
    "must be globs such as octo-org/*, https://git.example/team/*, ./folder or . (leave it out for all)",
  );

/** One token in MCP_TOKENS_FILE. `repositories`: missing = all. `expires_at`: missing = never. */
export const TokenEntry = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]{0,63}$/, "must be 1 to 64 letters, digits, dots, hyphens and underscores")
    .refine((name) => name !== UNNAMED, `must not be "${UNNAMED}", the name of the token in MCP_AUTH_TOKEN`),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/i, "must be 64 hexadecimal digits, the SHA-256 of the token")
    .toLowerCase(),
  scopes: z.array(Scope).min(1, "must hold at least one of run, read and cancel"),
  repositories: z.array(RepositoryGlob).min(1, "must hold at least one glob, or be left out for all").optional(),
  expires_at: z.iso.datetime({ offset: true, error: "must be a time such as 2027-01-01T00:00:00Z" }).optional(),
});
export type TokenEntry = z.infer<typeof TokenEntry>;

/** The whole of MCP_TOKENS_FILE. Names and digests stand there once. */
export const TokensFile = z
  .strictObject({ tokens: z.array(TokenEntry).max(10_000) })
  .superRefine(({ tokens }, issues) => {
    for (const field of ["name", "sha256"] as const) {
      const seen = new Set<string>();
      for (const [index, entry] of tokens.entries()) {
        const message = "is that of an earlier entry";
        if (seen.has(entry[field])) issues.addIssue({ code: "custom", path: ["tokens", index, field], message });
        seen.add(entry[field]);
      }
    }
  });

/** Says what is wrong with an entry or a file of them, by entry and field. Never holds a value. */
export function toEntryProblem({ path, code, message }: z.core.$ZodIssue): string {
  const [, index, field] = path;
  const where = typeof index === "number" ? `entry ${index + 1}` : "the file";
  if (code === "unrecognized_keys") return `${where} has a field that is not known`;
  const what = field === undefined ? "" : `, ${String(field)}`;
  return `${where}${what}: ${message}`;
}
