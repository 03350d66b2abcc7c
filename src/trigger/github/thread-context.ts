import { removeHidden } from "../../text/hidden.ts";
import type { CommandCall } from "./command-call.ts";
import { retryTransient, SHORT_RETRY, SINGLE_TRY, toStatus } from "./retry.ts";

/** How much of each part of a thread a prompt holds, in characters; of the comments the newest, of a diff its beginning. */
const MAX_COMMENTS = 30_000;
const MAX_DIFF = 60_000;
const PER_PAGE = 50;
/** What our own comments begin with: what runs said is in their pull requests and threads. */
const OWN = /^<!-- codex-(?:orchestrator|run):/;

type Said = {
  user: { login: string } | null;
  body?: string | null;
  created_at: string;
  updated_at: string;
  path?: string;
};

/**
 * What stood in the thread when the command was written, besides its title and first text: what people had said, and of a pull
 * request its diff and the comments on its lines. What was said or edited later is left out, and so is what nobody can see. A
 * part that GitHub does not give is left out, and that is said. All of it is data of strangers.
 */
export async function readThreadContext(call: CommandCall): Promise<string> {
  const { octokit, place, created } = call;
  const address = { owner: place.owner, repo: place.repo };
  const isPull = created.issue.kind === "pull-request";
  const pull = { ...address, pull_number: place.number };
  const page = { per_page: PER_PAGE, request: SINGLE_TRY };
  const parts = [
    readPart(call, {
      title: "What was said before",
      read: async () => {
        const thread = { ...address, issue_number: place.number, ...page };
        const { data } = await octokit.rest.issues.listComments(thread);
        return toComments(data, call);
      },
    }),
    ...(isPull
      ? [
          readPart(call, {
            title: "Comments on lines of the change",
            read: async () =>
              toComments((await octokit.rest.pulls.listReviewComments({ ...pull, ...page })).data, call),
          }),
          readPart(call, {
            title: "The change of this pull request",
            read: async () => {
              const { data } = await octokit.rest.pulls.get({
                ...pull,
                mediaType: { format: "diff" },
                request: SINGLE_TRY,
              });
              return cutEnd(String(data), MAX_DIFF);
            },
          }),
        ]
      : []),
  ];
  return (await Promise.all(parts)).filter((part) => part !== "").join("\n\n");
}

type Part = { title: string; read: () => Promise<string> };

async function readPart({ log }: CommandCall, { title, read }: Part): Promise<string> {
  try {
    const text = removeHidden(await retryTransient(read, SHORT_RETRY)).text.trim();
    return text === "" ? "" : `## ${title}\n\n${text}`;
  } catch (error) {
    log.warn({ part: title, status: toStatus(error) }, "a part of the thread could not be read");
    return `## ${title}\n\n(GitHub did not give this part.)`;
  }
}

/** The newest comments that fit, oldest first; the command itself and what changed since are not among them. */
function toComments(comments: readonly (Said & { id: number })[], { created, place }: CommandCall): string {
  const until = Date.parse(created.comment.createdAt);
  const lines: string[] = [];
  let length = 0;
  const before = comments.filter(
    ({ id, body, created_at: at, updated_at: edited }) =>
      id !== place.commentId && !OWN.test(body ?? "") && Date.parse(at) <= until && Date.parse(edited) <= until,
  );
  for (const { user, body, path } of before.toReversed()) {
    const where = path === undefined ? "" : ` on ${path}`;
    const text = `${user?.login ?? "somebody"}${where}: ${(body ?? "").trim()}`;
    length += text.length;
    if (length > MAX_COMMENTS) {
      lines.push("(Older comments are left out.)");
      break;
    }
    lines.push(text);
  }
  return lines.toReversed().join("\n\n");
}

function cutEnd(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}\n(The rest of the diff is left out.)`;
}
