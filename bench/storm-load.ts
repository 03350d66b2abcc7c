import { randomUUID } from "node:crypto";
import { isJsonObject, type JsonObject } from "../src/demo/github/json.ts";
import { HELLO, type RepositorySeed } from "../src/demo/github/seeds.ts";
import type { GitHubStandIn } from "../src/demo/github/stand-in.ts";
import { toCommentPayload } from "../src/demo/github/webhook.ts";
import type { ModelRequest, ModelScript } from "../src/demo/model-script.ts";
import type { FinalStatus } from "../src/run/state.ts";

/** What one run of the storm is asked to do, and how it must end. */
type Kind = {
  options: string;
  script: (name: string) => ModelScript;
  ends: FinalStatus;
  publishes: boolean;
  /** How often the model is asked when nothing is repeated; null when a cancel decides it. */
  requests: number | null;
  cancel: "by-product" | "by-command" | null;
};

/** A command somebody wrote, and the event of its comment. */
export type StormCommand = Kind & {
  /** Stands in the prompt, so that the model and its requests can be told apart. */
  name: string;
  repository: string;
  commentId: number;
  deliveryId: string;
  payload: JsonObject;
};

const DONE = "::MCP_STATUS::DONE";
const REPOSITORIES = ["octo-org/hello", "octo-org/north", "octo-org/south", "octo-org/west"];
const ISSUES_EACH = 4;

/** How often each kind comes up, of twenty. */
const KINDS: readonly (readonly [number, Kind])[] = [
  [8, change(0.2)],
  [2, change(3)],
  [2, kind({ options: "--mode ask", script: (name) => shellAndSay(`ls; sleep 1`, `${name} is a question.`) })],
  [2, kind({ options: "--mode suggest", script: (name) => shellAndSay(write(name), `Suggested ${name}.`) })],
  [1, kind({ script: (name) => shellAndSay(write(name), "Which one?\n::MCP_STATUS::NEED_USER"), ends: "need_user" })],
  [1, kind({ options: "--timeout 4s", script: () => shellAndSay("sleep 90", "Late."), ends: "timeout", requests: 1 })],
  [1, kind({ script: fail, ends: "error", requests: 1 })],
  [1, cancelled("by-product")],
  [1, cancelled("by-command")],
  [1, change(1)],
];

/** The repositories in which the storm takes place. */
export const stormRepositories: RepositorySeed[] = REPOSITORIES.map((name) => ({ ...HELLO, name }));

/** The answers of the model to any run of the storm. `onAsked` hears of every request. */
export function createStormScript(onAsked: (name: string) => void): (request: ModelRequest) => ModelScript {
  return ({ prompt }) => {
    const [name = "", number = "0"] = /case-(\d+)/.exec(prompt) ?? [];
    onAsked(name);
    return toKind(Number(number)).script(name);
  };
}

/** Writes the comments; nothing is delivered yet. */
export async function prepareCommands(github: GitHubStandIn, { count }: { count: number }): Promise<StormCommand[]> {
  const issues: { repository: string; number: number }[] = [];
  for (const repository of REPOSITORIES)
    for (let index = 0; index < ISSUES_EACH; index++)
      issues.push({ repository, number: await openIssue(github, repository) });
  const commands: StormCommand[] = [];
  for (let index = 0; index < count; index++) {
    const issue = issues[(index * 7) % issues.length] ?? { repository: "", number: 0 };
    commands.push(await prepareCommand(github, { ...issue, index }));
  }
  return commands;
}

/** Delivers the event of a command, as often as one likes: always by the same id. Resolves with the answer's status. */
export async function deliver(
  github: GitHubStandIn,
  { command, url }: { command: StormCommand; url: string },
): Promise<number> {
  const { deliveryId: id, payload } = command;
  // A server that is dead at this moment answers nothing.
  return github.deliver({ url, event: "issue_comment", payload, id }).then(
    ({ status }) => status,
    () => 502,
  );
}

async function prepareCommand(
  github: GitHubStandIn,
  { repository, number, index }: { repository: string; number: number; index: number },
): Promise<StormCommand> {
  const name = `case-${String(index).padStart(3, "0")}`;
  const chosen = toKind(index);
  const home = `/repos/${repository}`;
  const body = ["/codex", chosen.options, `Do ${name}`].filter((word) => word !== "").join(" ");
  const comment = await call(github, { method: "POST", path: `${home}/issues/${number}/comments`, body: { body } });
  const issue = await call(github, { method: "GET", path: `${home}/issues/${number}` });
  const about = await call(github, { method: "GET", path: home });
  const payload = toCommentPayload({ action: "created", comment, issue, repository: about }, github.origin);
  return { ...chosen, name, repository, commentId: Number(comment["id"]), deliveryId: randomUUID(), payload };
}

async function openIssue(github: GitHubStandIn, repository: string): Promise<number> {
  const body = { title: "Weather the storm", body: "All of it." };
  const issue = await call(github, { method: "POST", path: `/repos/${repository}/issues`, body });
  return Number(issue["number"]);
}

async function call(
  github: GitHubStandIn,
  what: { method: string; path: string; body?: JsonObject },
): Promise<JsonObject> {
  const { status, body } = await github.call({ as: "octocat", ...what });
  if (status < 300 && isJsonObject(body)) return body;
  throw new Error(`${what.method} ${what.path}: ${status}`);
}

/** The kinds come mixed, and always in the same order. */
function toKind(index: number): Kind {
  const all = KINDS.flatMap(([times, kind]) => Array.from({ length: times }, () => kind));
  const chosen = all[(index * 7) % all.length];
  if (chosen === undefined) throw new Error("there are no kinds");
  return chosen;
}

function kind(parts: Partial<Kind> & Pick<Kind, "script">): Kind {
  return { options: "", ends: "done", publishes: false, requests: 2, cancel: null, ...parts };
}

function change(seconds: number): Kind {
  return kind({
    script: (name) => shellAndSay(`${write(name)}; sleep ${seconds}`, `Wrote ${name}.\n${DONE}`),
    publishes: true,
  });
}

function cancelled(cancel: "by-product" | "by-command"): Kind {
  return kind({ script: () => shellAndSay("sleep 90", "Late."), ends: "cancelled", requests: null, cancel });
}

function fail(): ModelScript {
  return [{ items: [], failure: { code: "context_length_exceeded", message: "Too long." } }];
}

function write(name: string): string {
  return `echo ${name} > ${name}.txt`;
}

function shellAndSay(command: string, text: string): ModelScript {
  return [{ items: [{ kind: "shell", command, yieldTimeMs: 120_000 }] }, { items: [{ kind: "say", text }] }];
}
