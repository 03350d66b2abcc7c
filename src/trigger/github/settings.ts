import { LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { BranchName, Effort, ModelName, RunMode } from "../../run/request.ts";
import { parseDurationS } from "../../text/duration.ts";
import type { WritePermission } from "./permission.ts";

/** Seconds, or a length of time as people write it. */
const Timeout = z.union([
  z.int().positive(),
  z
    .string()
    .transform((text) => parseDurationS(text))
    .pipe(z.int({ error: "must be seconds, or 90s, 10m, 1h" }).positive()),
]);

const Glob = z
  .string()
  .min(1)
  .max(200)
  .refine((glob) => !glob.startsWith("!"), "takes no exceptions (!)");

/** What a repository sets for itself in `.github/codex.yml` on its default branch. Absent keys have safe defaults. */
export const RepositorySettings = z.strictObject({
  /** Least permission of who may start runs; admins always may. */
  permission: z.enum(["write", "maintain", "admin"]).default("write"),
  mode: RunMode.optional(),
  model: ModelName.optional(),
  effort: Effort.optional(),
  timeout: Timeout.optional(),
  base: BranchName.optional(),
  draft: z.boolean().default(false),
  /** Globs of files that are held besides those that always are. */
  protected: z.array(Glob).max(100).default([]),
  /** Words of the repository's own for every prompt. */
  instructions: z.string().max(8_192).optional(),
});
export type RepositorySettings = z.infer<typeof RepositorySettings>;

/** The settings of a repository, or all that is wrong with them: one sentence a key, without the value. */
export type ReadSettings = { kind: "read"; settings: RepositorySettings } | { kind: "wrong"; problems: string[] };

/** Keys that mean something in a later version: to leave them unheard would be worse than to say so. */
const LATER = [
  "allow",
  "branch",
  "ci",
  "egress",
  "image",
  "label_trigger",
  "labels",
  "reviewers",
  "setup",
  "verify",
  "verify_rounds",
];

const MAX_PROBLEMS = 20;
const MAX_ALIASES = 20;

/** Reads the file's text. A file of nothing but comments sets nothing. */
export function parseSettings(text: string): ReadSettings {
  const lines = new LineCounter();
  const document = parseDocument(text.replace(/^\uFEFF/, ""), {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
  });
  const broken = [...document.errors, ...document.warnings].map(
    ({ pos, message }) => `line ${lines.linePos(pos[0]).line}: ${message}`,
  );
  if (broken.length > 0) return { kind: "wrong", problems: broken.slice(0, MAX_PROBLEMS) };
  const parsed = RepositorySettings.safeParse(toValue(document) ?? {});
  if (parsed.success) return { kind: "read", settings: parsed.data };
  return { kind: "wrong", problems: parsed.error.issues.flatMap(toProblems).slice(0, MAX_PROBLEMS) };
}

/** A few lines of YAML can stand for gigabytes: with more references than anybody needs it stands for nothing. */
function toValue(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    return "too many aliases";
  }
}

function toProblems(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.map(String).join(".");
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => `${key}: ${LATER.includes(key) ? "is not available yet" : "is no setting"}`);
  if (issue.code === "invalid_value") return [`${path}: must be one of ${issue.values.map(String).join(", ")}`];
  return [path === "" ? "the file must hold settings as `key: value`" : `${path}: ${issue.message}`];
}

const RANKS: readonly WritePermission[] = ["write", "maintain", "admin"];

/** Whether a permission is as high as the repository wants it. */
export function isPermitted(permission: WritePermission, { least }: { least: WritePermission }): boolean {
  return RANKS.indexOf(permission) >= RANKS.indexOf(least);
}
