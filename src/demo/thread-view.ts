import { z } from "zod";
import type { GitHubStandIn } from "./github/stand-in.ts";
import { createPaint, type Paint, toPrintable } from "./paint.ts";

const Author = z.object({ login: z.string() });
const Issue = z.object({
  number: z.number(),
  title: z.string(),
  state: z.string(),
  user: Author,
  body: z.string().nullable(),
});
const Comment = z.object({ id: z.number(), user: Author, body: z.string() });
const Pull = Issue.extend({
  html_url: z.string(),
  draft: z.boolean(),
  additions: z.number(),
  deletions: z.number(),
  changed_files: z.number(),
  head: z.object({ ref: z.string(), sha: z.string() }),
  base: z.object({ ref: z.string(), sha: z.string() }),
});

/** A pull request, with what the demo looks at afterwards. */
export type ShownPull = z.infer<typeof Pull>;

export type ThreadViewOptions = {
  /** Colours are for terminals only. */
  style: "colour" | "plain";
  /** Columns of the rules between the parts; default 100. */
  width?: number;
};

const EMOJI: Record<string, string> = {
  "+1": "👍",
  "-1": "👎",
  laugh: "😄",
  confused: "😕",
  heart: "❤️",
  hooray: "🎉",
  rocket: "🚀",
  eyes: "👀",
};

/** An issue with its comments and reactions, as lines for a terminal. */
export async function viewThread(
  standIn: GitHubStandIn,
  options: ThreadViewOptions & { issue: number },
): Promise<string[]> {
  const paint = createPaint(options.style);
  const path = `/repos/${standIn.repository}/issues/${options.issue}`;
  const issue = Issue.parse(await read(standIn, path));
  const comments = z.array(Comment).parse(await read(standIn, `${path}/comments?per_page=100`));
  const lines = [
    ...toRule(`Issue #${issue.number}: ${toPrintable(issue.title)} (${issue.state})`, { ...options, paint }),
    ...toEntry({ user: issue.user, body: issue.body ?? "", place: path }, { standIn, paint }),
  ];
  for (const { id, user, body } of comments) {
    const place = `/repos/${standIn.repository}/issues/comments/${id}`;
    lines.push(...toEntry({ user, body, place }, { standIn, paint }));
  }
  return lines;
}

/** The open pull requests of the repository, newest first. */
export async function listPulls(standIn: GitHubStandIn): Promise<ShownPull[]> {
  const path = `/repos/${standIn.repository}/pulls`;
  const list = z.array(z.object({ number: z.number() })).parse(await read(standIn, path));
  return await Promise.all(list.map(async ({ number }) => Pull.parse(await read(standIn, `${path}/${number}`))));
}

/** A pull request with its text, as lines for a terminal. */
export function viewPull(pull: ShownPull, options: ThreadViewOptions): string[] {
  const paint = createPaint(options.style);
  const kind = pull.draft ? "draft" : pull.state;
  return [
    ...toRule(`Pull request #${pull.number}: ${toPrintable(pull.title)} (${kind})`, { ...options, paint }),
    `${paint("name", pull.user.login)} wants to merge ${pull.head.ref} into ${pull.base.ref}`,
    `${pull.changed_files} files, ${paint("added", `+${pull.additions}`)} ${paint("removed", `-${pull.deletions}`)}`,
    ...toBody(pull.body ?? ""),
    "",
  ];
}

/** What the pull request changes, as lines for a terminal. */
export async function viewDiff(
  standIn: GitHubStandIn,
  options: ThreadViewOptions & { pull: ShownPull },
): Promise<string[]> {
  const { pull, style } = options;
  const paint = createPaint(style);
  const diff = await standIn.git.git(standIn.repository, ["diff", `${pull.base.sha}...${pull.head.sha}`]);
  const lines = toPrintable(diff).trimEnd().split("\n");
  return [...toRule("Diff", { ...options, paint }), ...lines.map((line) => paintDiffLine(line, paint)), ""];
}

function paintDiffLine(line: string, paint: Paint): string {
  if (/^(?:diff|index|new file|deleted file|---|\+\+\+)/.test(line)) return paint("title", line);
  if (line.startsWith("@@")) return paint("quiet", line);
  if (line.startsWith("+")) return paint("added", line);
  return line.startsWith("-") ? paint("removed", line) : line;
}

/** A title between rules. */
export function toRule(title: string, { width = 100, paint }: { width?: number; paint: Paint }): string[] {
  return [paint("title", `── ${title} ${"─".repeat(Math.max(3, width - title.length - 4))}`), ""];
}

type Entry = { user: { login: string }; body: string; place: string };

function toEntry({ user, body, place }: Entry, { standIn, paint }: { standIn: GitHubStandIn; paint: Paint }): string[] {
  const reactions = standIn
    .listReactions(`${place}/reactions`)
    .map(({ login, content }) => `${EMOJI[content] ?? content} ${login}`);
  return [
    paint("name", user.login),
    ...toBody(body),
    ...(reactions.length === 0 ? [] : [paint("quiet", `  ${reactions.join("   ")}`)]),
    "",
  ];
}

/** Markdown as it was written, without what GitHub does not show: comments, and what stands folded up. */
function toBody(body: string): string[] {
  const shown = toVisible(body).replace(/\n{3,}/g, "\n\n");
  return shown.split("\n").map((line) => (line === "" ? "" : `  ${line}`));
}

const ENTITIES: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"', "&#8203;": "" };

/** The part of a Markdown text that somebody sees who does not unfold anything. */
export function toVisible(markdown: string): string {
  return toPrintable(markdown)
    .replace(/<!--[\s\S]*?-->/g, "")
    .replace(/<details>\s*<summary>([\s\S]*?)<\/summary>[\s\S]*?<\/details>/g, "▸ $1")
    .replace(/&(?:lt|gt|amp|quot|#8203);/g, (entity) => ENTITIES[entity] ?? entity)
    .trim();
}

async function read(standIn: GitHubStandIn, path: string): Promise<unknown> {
  const { status, body } = await standIn.call({ as: "octocat", method: "GET", path });
  if (status !== 200) throw new Error(`${path}: ${status}`);
  return body;
}
