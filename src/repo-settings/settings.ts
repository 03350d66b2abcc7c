import { LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { BranchName, Effort, ModelName, RunMode } from "../run/request.ts";
import { about, BranchPattern, PersonOrTeam, RunRules } from "../run/rules.ts";
import { isUsableBranchPattern } from "../publish/branch.ts";
import { parseDurationS } from "../text/duration.ts";

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
  allow: z
    .array(PersonOrTeam)
    .max(100)
    .default([])
    .meta(
      about(
        "nobody",
        "Who may ask besides those whose permission is high enough: logins, and teams as `organisation/team`.",
      ),
    ),
  permission: z
    .enum(["write", "maintain", "admin"])
    .default("write")
    .meta(about("`write`", "Least permission of who may ask: `write`, `maintain` or `admin`; admins always may.")),
  mode: RunMode.optional().meta(
    about("`full-auto`", "`full-auto` opens a pull request, `suggest` keeps a patch, `ask` changes nothing."),
  ),
  model: ModelName.optional().meta(about("`CODEX_MODEL`", "Model that Codex uses.")),
  effort: Effort.optional().meta(about("`CODEX_EFFORT`", "`low`, `medium`, `high` or `xhigh`.")),
  timeout: Timeout.optional().meta(
    about("`DEFAULT_TIMEOUT`", "How long a run may take: seconds, or `90s`, `10m`, `1h`; at most `MAX_TIMEOUT`."),
  ),
  base: BranchName.optional().meta(about("the default branch", "Branch that runs start from.")),
  draft: z.boolean().default(false).meta(about("`false`", "Whether pull requests are opened as drafts.")),
  protected: z
    .array(Glob)
    .max(100)
    .default([])
    .meta(about("none", "Globs of files that are held, as `.github/**` is, until somebody allows the change.")),
  instructions: z.string().max(8_192).optional().meta(about("none", "Words of your own for every prompt.")),
  label_trigger: z
    .string()
    .min(1)
    .max(50)
    .optional()
    .meta(about("none", "Label that starts a run on the issue that it is put on.")),
  ...RunRules.shape,
  branch: BranchPattern.refine(isUsableBranchPattern, "does not make names of branches that git takes")
    .optional()
    .meta(about("`codex/{issue}-{slug}-{run}`", "How branches are called; `{run}` has to stand in it.")),
  image: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .meta(about("`CODEX_IMAGE`", "Image that the agent runs in, one of `ALLOWED_IMAGES`.")),
});
export type RepositorySettings = z.infer<typeof RepositorySettings>;

/** Of a repository that sets nothing. */
export const DEFAULT_SETTINGS: RepositorySettings = RepositorySettings.parse({});

/**
 * The settings of a repository, or all that is wrong with them: one sentence a key, without the value. `labelTrigger` is what
 * they say all the same, so that whoever puts that label on is told.
 */
export type ReadSettings =
  { kind: "read"; settings: RepositorySettings } | { kind: "wrong"; problems: string[]; labelTrigger?: string };

/** Where the settings are, on the default branch. */
export const SETTINGS_PATH = ".github/codex.yml";

const MAX_CHARACTERS = 65_536;
const MAX_PROBLEMS = 20;
const MAX_ALIASES = 20;

/** Reads what GitHub has at the settings' path: the file's text, or something else for what is no file. */
export function parseSettingsFile(found: unknown): ReadSettings {
  if (typeof found !== "string") return { kind: "wrong", problems: ["it is not a file"] };
  if (found.length > MAX_CHARACTERS)
    return { kind: "wrong", problems: [`it is longer than ${MAX_CHARACTERS} characters`] };
  return parseSettings(found);
}

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
  const value = toValue(document) ?? {};
  const parsed = RepositorySettings.safeParse(value);
  if (parsed.success) return { kind: "read", settings: parsed.data };
  const problems = parsed.error.issues.flatMap(toProblems).slice(0, MAX_PROBLEMS);
  return { kind: "wrong", problems, ...WithLabel.safeParse(value).data };
}

const WithLabel = z.object({ label_trigger: z.string() }).transform((it) => ({ labelTrigger: it.label_trigger }));

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
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => `${key}: is no setting`);
  if (issue.code === "invalid_value") return [`${path}: must be one of ${issue.values.map(String).join(", ")}`];
  return [path === "" ? "the file must hold settings as `key: value`" : `${path}: ${issue.message}`];
}

/** What of the settings goes into a run's request. */
export function toRunRules(settings: RepositorySettings): RunRules {
  return RunRules.parse({ ...settings, branch: settings.branch ?? null, image: settings.image ?? null });
}
