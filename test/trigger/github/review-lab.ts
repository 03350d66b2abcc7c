import { startGitHubStandIn, type GitHubStandIn } from "../../../src/demo/github/stand-in.ts";
import { createMask } from "../../../src/masking/mask.ts";
import type { Finding } from "../../../src/run/review.ts";
import type { RunRequest } from "../../../src/run/request.ts";
import { createGitHubReporter } from "../../../src/trigger/github/reporter.ts";
import { askToken, connect } from "../../demo/github/clients.ts";
import { silentLog } from "./app-host.ts";
import { createSharedComments } from "./comment-record.ts";
import { createFinished, createRequest } from "./finished-run.ts";

const REPOSITORY = "octo-org/hello";
const address = { owner: "octo-org", repo: "hello" };
const before = Array.from({ length: 40 }, (_, index) => `line ${index + 1}`);
/** The change of the pull request: lines 2 and 30 of `list.txt`. */
export const CHANGED = before.map((line, index) => (index === 1 || index === 29 ? `${line}, changed` : line));

/** A pull request on the stand-in GitHub, and who tells there how reviews ended. */
export type ReviewLab = AsyncDisposable & {
  github: GitHubStandIn;
  bot: ReturnType<typeof connect>;
  pull: { owner: string; repo: string; pull_number: number };
  head(): Promise<string>;
  /** Another commit on the pull request; resolves with it. */
  push(lines: string[]): Promise<string>;
  /** The request of a review of the head as it is now. */
  request(changes?: Partial<RunRequest>): Promise<RunRequest>;
  /** Tells that a review ended with this, as a process that has just started; resolves when it is told. */
  finish(request: RunRequest, answer: { summary?: string; findings?: Finding[] }): Promise<void>;
  /** Our reviews, oldest first. */
  reviews(): Promise<{ id: number; body: string; state: string; html_url: string }[]>;
  lineComments(): Promise<LineComment[]>;
  /** The last status comment. */
  statusComment(): Promise<string>;
};

type LineComment = Awaited<
  ReturnType<ReturnType<typeof connect>["rest"]["pulls"]["listReviewComments"]>
>["data"][number];

/** `contents`: what the App's token may do with them; GitHub lets it resolve threads only when it may write. */
export async function openReviewLab({ contents = "read" }: { contents?: "read" | "write" } = {}): Promise<ReviewLab> {
  await using disposables = new AsyncDisposableStack();
  const github = disposables.use(await startGitHubStandIn());
  const token = await askToken(github, { permissions: { contents, pull_requests: "write", issues: "write" } });
  const bot = connect(github, token);
  const write = (branch: string, lines: string[]): Promise<string> =>
    github.git.commit(REPOSITORY, { branch, message: "Write\n", files: { "list.txt": `${lines.join("\n")}\n` } });
  await write("main", before);
  await write("change", CHANGED);
  const { data } = await bot.rest.pulls.create({ ...address, title: "Change", head: "change", base: "main" });
  const pull = { ...address, pull_number: data.number };
  const path = `/repos/${REPOSITORY}/issues/${data.number}/comments`;
  const head = async (): Promise<string> => (await bot.rest.pulls.get(pull)).data.head.sha;
  const owned = disposables.move();
  return {
    ...{ github, bot, pull, head },
    push: (lines) => write("change", lines),
    request: async (changes = {}) => {
      const asked = await github.call({ as: "octocat", method: "POST", path, body: { body: "/codex review" } });
      const { thread } = createRequest();
      return createRequest({
        ...{ mode: "ask", purpose: "review", prompt: "Review this pull request." },
        pull: { number: data.number, head_sha: await head(), base_sha: data.base.sha, head: "same-repository" },
        thread: thread && { ...thread, number: data.number, is_pull_request: true, comment_id: readId(asked.body) },
        ...changes,
      });
    },
    finish: async (request, { summary = "A fair change.", findings = [] }) => {
      const reporter = createGitHubReporter({
        octokitFor: async () => bot,
        botLogin: async () => github.app.botLogin,
        comments: createSharedComments().of("one"),
        mask: createMask(["CANARY-SECRET"]),
        log: silentLog,
      });
      const output = { summary, files_changed: [], full_log: null, log_truncated: false, data: { summary, findings } };
      await reporter.onFinished(createFinished(request, { output, pull_request: null, branch: null, commit: null }));
    },
    reviews: async () => (await bot.rest.pulls.listReviews(pull)).data,
    lineComments: async () => (await bot.rest.pulls.listReviewComments(pull)).data,
    statusComment: async () => {
      const { data: comments } = await bot.rest.issues.listComments({ ...address, issue_number: data.number });
      return comments.filter(({ user }) => user?.login === github.app.botLogin).at(-1)?.body ?? "";
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A finding on line 2 of `list.txt`, with what a test wants different. */
export function createFinding(changes: Partial<Finding> = {}): Finding {
  return {
    ...{ path: "list.txt", start_line: null, line: 2, side: "RIGHT", severity: "major" },
    ...{ title: "The line says too much", body: "Nobody reads it.", suggestion: null },
    ...changes,
  };
}

function readId(body: unknown): number {
  return typeof body === "object" && body !== null && "id" in body ? Number(body.id) : 0;
}
