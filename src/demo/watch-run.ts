import { setTimeout as sleep } from "node:timers/promises";
import type { RecordedRequest } from "./github/api.ts";
import type { GitRequest } from "./github/git-backend.ts";
import { isJsonObject } from "./github/json.ts";
import type { GitHubStandIn } from "./github/stand-in.ts";
import { toPrintable } from "./paint.ts";
import { toVisible } from "./thread-view.ts";

/** How a command ended: the App's last reaction on it, or nothing in time. */
export type CommandEnd = "rocket" | "confused" | "-1" | "timeout";

export type WatchOptions = {
  commentId: number;
  /** Gets one line for each thing that happens. */
  write: (line: string) => void;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
};

const POLL_MS = 50;
const ENDS = ["rocket", "confused", "-1"] as const;

/** Tells what the App does on GitHub while a run goes on, until it has put its last reaction on the command. */
export async function watchRun(standIn: GitHubStandIn, options: WatchOptions): Promise<CommandEnd> {
  const startedAt = performance.now();
  const path = `/repos/${standIn.repository}/issues/comments/${options.commentId}/reactions`;
  const seen = { requests: 0, gitRequests: 0 };
  let lastText = "";
  const tell = (text: string): void => {
    const [first = "", ...rest] = text.split("\n");
    options.write(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${first}`);
    for (const line of rest) options.write(`             ${line}`);
  };
  for (;;) {
    for (const request of standIn.requests.slice(seen.requests)) {
      const text = request.actor === standIn.app.botLogin ? describeRequest(request) : null;
      if (text !== null && text !== lastText) tell((lastText = text));
    }
    for (const request of standIn.gitRequests.slice(seen.gitRequests)) {
      const text = describeGit(request);
      if (text !== null) tell(text);
    }
    seen.requests = standIn.requests.length;
    seen.gitRequests = standIn.gitRequests.length;
    const contents = standIn.listReactions(path).map(({ content }) => content);
    const end = ENDS.find((content) => contents.includes(content));
    if (end !== undefined) return end;
    options.signal?.throwIfAborted();
    if (performance.now() - startedAt > options.timeoutMs) return "timeout";
    await sleep(POLL_MS);
  }
}

const SIGNS: Record<string, string> = { eyes: "👀", rocket: "🚀", confused: "😕", "-1": "👎" };

function describeRequest({ method, path, body, actor, status }: RecordedRequest): string | null {
  if (status === "reset" || status >= 300 || !isJsonObject(body)) return null;
  if (method === "POST" && path.endsWith("/reactions"))
    return `${SIGNS[String(body["content"])] ?? "reaction"} ${actor}`;
  if (method === "POST" && path.endsWith("/pulls")) return `🔀 pull request: ${toPrintable(String(body["title"]))}`;
  const isComment = /\/issues\/(?:\d+\/comments|comments\/\d+)$/.test(path) && method !== "DELETE";
  return isComment ? `💬 ${toGist(String(body["body"]))}` : null;
}

/** The first visible lines of a comment; it is printed in full at the end. */
function toGist(body: string): string {
  const lines = toVisible(body)
    .split("\n")
    .map((line) => line.replaceAll("**", "").trim());
  return lines
    .filter((line) => line !== "" && !line.startsWith("Run `"))
    .slice(0, 3)
    .join("\n");
}

function describeGit({ updates, status }: GitRequest): string | null {
  if (status !== 200 || updates.length === 0) return null;
  return updates
    .map(({ ref, newSha }) => `⬆️  git push ${ref.replace("refs/heads/", "")} (${newSha.slice(0, 8)})`)
    .join("\n");
}
