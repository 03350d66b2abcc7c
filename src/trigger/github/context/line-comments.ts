import { isRunStatus, toAsItStood } from "./as-it-stood.ts";
import type { Cleaner } from "./cleaner.ts";
import { toLastLines } from "./commented-line.ts";
import type { CommandCall } from "../command-call.ts";
import { LIMITS } from "./limits.ts";
import { writeNewestThatFit } from "./newest-that-fit.ts";
import { toAddress, toRequest, type Part } from "./part.ts";
import { toPersonName, type Speaker } from "./person-name.ts";
import { readNewest } from "./read-newest.ts";

const PER_PAGE = 100;

type LineComment = {
  id: number;
  body: string;
  at: string;
  editedAt: string;
  user: Speaker;
  /** The first comment of its thread; null for that one itself. */
  answers: number | null;
  path: string;
  lines: string;
  hunk: string;
};

/** The comments on lines of a pull request's change, thread by thread, each with the lines it is about. */
export const lineComments: Part = {
  title: "Comments on lines of the change",
  read: async (call, options) => {
    const { octokit, place } = call;
    const pull = { ...toAddress(call), pull_number: place.number, per_page: PER_PAGE };
    const newest = await readNewest({
      readPage: (page) =>
        octokit.rest.pulls.listReviewComments({
          ...{ ...pull, page, sort: "created", direction: "desc", request: toRequest(options) },
        }),
      perPage: PER_PAGE,
      order: "newest-first",
    });
    const { items, changed } = toAsItStood(newest.items.filter((comment) => !isRunStatus(comment)).map(toLineComment), {
      call,
      source: "review-comment",
    });
    return (cleaner) =>
      writeNewestThatFit(toThreads(items), {
        ...{ length: LIMITS.lines, older: newest.older, changed, noun: "comment" },
        count: (thread) => thread.length,
        write: (thread) => writeThread(thread, { call, cleaner }),
      });
  },
};

type ListedComment = Awaited<ReturnType<CommandCall["octokit"]["rest"]["pulls"]["listReviewComments"]>>["data"][number];

function toLineComment(comment: ListedComment): LineComment {
  const { id, body, user, path, created_at: at, updated_at: editedAt } = comment;
  const end = comment.line ?? comment.original_line;
  const start = comment.start_line ?? comment.original_start_line ?? end;
  const isOutdated = comment.line == null && comment.original_line !== undefined;
  const side = comment.side === "LEFT" ? " of the old file" : "";
  const lines = end === undefined ? "the file" : start === end ? `line ${end}` : `lines ${start} to ${end}`;
  return {
    ...{ id, body, user, path, at, editedAt },
    answers: comment.in_reply_to_id ?? null,
    lines: `${lines}${side}${isOutdated && end !== undefined ? " of an earlier version" : ""}`,
    hunk: comment.diff_hunk,
  };
}

/** Threads by the time of their last comment. A thread whose first comment is gone goes on with its second. */
function toThreads(comments: readonly LineComment[]): LineComment[][] {
  const threads = new Map<number, LineComment[]>();
  for (const comment of comments) {
    const key = comment.answers ?? comment.id;
    const thread = threads.get(key) ?? [];
    threads.delete(key);
    threads.set(key, [...thread, comment]);
  }
  return [...threads.values()];
}

function writeThread(thread: LineComment[], { call, cleaner }: { call: CommandCall; cleaner: Cleaner }): string {
  const [first] = thread;
  if (first === undefined) return "";
  return [
    `### ${cleaner.code(first.path)}, ${first.lines}`,
    cleaner.code(toLastLines(first.hunk)),
    ...thread.map(({ user, body }) => `${toPersonName(user, call)}: ${cleaner.prose(body)}`),
  ].join("\n\n");
}
