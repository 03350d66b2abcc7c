import { expect } from "vitest";
import { z } from "zod";
import type { Talk as TalkKind } from "../../src/demo/github/talk-deliverer.ts";
import type { ModelScript } from "../../src/demo/model-script.ts";
import type { RunRecord } from "../../src/store/runs.ts";
import { DONE, until, type World } from "../e2e/world.ts";

/** A conversation on the stand-in GitHub, in the words of those who take part. */
export type Talk = {
  /** Somebody says something; resolves with the comment's id. */
  say(body: string, options?: { user?: string; on?: number }): Promise<number>;
  /** The same, and our answer to it: the last reaction, and what we said meanwhile. */
  ask(body: string, options?: { user?: string; on?: number }): Promise<string>;
  /** What we have said in an issue or pull request, oldest first, without what nobody sees. */
  heard(on?: number): Promise<string[]>;
  /** Waits until the newest run of all is in that state. */
  newest(state: RunRecord["state"]): Promise<RunRecord>;
  /** Somebody asks for a run; resolves with it when it is over. */
  run(body: string, options?: { user?: string; on?: number; state?: RunRecord["state"] }): Promise<RunRecord>;
  /** Somebody says something on a line, in a review, with a new issue or a label; resolves with the run that it starts. */
  tell(said: TalkKind, options?: { user?: string }): Promise<RunRecord>;
  /** How often somebody said something. */
  steps(): number;
  /** Any call of GitHub's API, as somebody. */
  api(method: string, path: string, options?: { as?: string; body?: unknown }): Promise<unknown>;
};

/** Begins to talk in a world. */
export function createTalk(world: World): Talk {
  const { github } = world;
  const store = () => world.server.product.store;
  const api: Talk["api"] = async (method, path, { as = "octocat", body } = {}) => {
    const answer = await github.call({
      ...{ as, method, path: `/repos/${github.repository}${path}` },
      ...(body === undefined ? {} : { body: Json.parse(body) }),
    });
    if (answer.status > 299) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const heard: Talk["heard"] = async (on = github.issueNumber) => {
    const comments = Comments.parse(await api("GET", `/issues/${on}/comments?per_page=100`));
    const ours = comments.filter(({ user }) => user?.login === github.app.botLogin);
    return ours.map(({ body }) => body.replace(/<!--.*?-->\n*/gs, ""));
  };
  const newest: Talk["newest"] = (state) =>
    until(`a run that is ${state}`, async () => {
      const [run] = await store().list({ limit: 1 });
      return run?.state === state ? run : undefined;
    });
  let steps = 0;
  const say: Talk["say"] = (body, options) => {
    steps += 1;
    return world.comment(body, options);
  };
  const count = async (): Promise<number> => (await store().list({ limit: 200 })).length;
  /** The run that what is said now starts, in the end state. */
  const started = async (act: () => Promise<void>, state: RunRecord["state"]): Promise<RunRecord> => {
    const before = await count();
    await act();
    await until("a new run", async () => ((await count()) > before ? true : undefined));
    return newest(state);
  };
  return {
    ...{ api, heard, newest, say, steps: () => steps },
    tell: async (said, { user = "octocat" } = {}) =>
      started(async () => {
        steps += 1;
        await github.deliverTalk({ ...said, url: `${world.server.url}/api/github/webhooks`, user });
      }, "done"),
    ask: async (body, options = {}) => {
      const before = (await heard(options.on)).length;
      const reaction = await world.reported(await say(body, options));
      return `${reaction}: ${(await heard(options.on)).slice(before).join("\n")}`;
    },
    run: async (body, { state = "done", ...options } = {}) => {
      let commentId = 0;
      const run = await started(async () => void (commentId = await say(body, options)), state);
      expect(await world.reported(commentId)).toBe(state === "done" ? "rocket" : "confused");
      return run;
    },
  };
}

const Json = z.json();
const Comments = z.array(z.object({ user: z.object({ login: z.string() }).nullable(), body: z.string() }));

/** A model that does one thing in the shell and says that it is done. */
export function doing(command: string, text = "Done as asked."): ModelScript {
  return [{ items: [{ kind: "shell", command }] }, { items: [{ kind: "say", text: `${text}\n${DONE}` }] }];
}

/** A model that only says something. */
export function saying(text: string): ModelScript {
  return [{ items: [{ kind: "say", text }] }];
}

/** A model that reviews: it answers by the schema that it is given. */
export function reviewing(summary: string, findings: object[]): ModelScript {
  return saying(JSON.stringify({ summary, findings }));
}

/** The last 8 characters of a run's id, as people write it. */
export function short({ runId }: RunRecord): string {
  return runId.slice(-8);
}
