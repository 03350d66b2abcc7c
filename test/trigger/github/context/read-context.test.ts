import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Octokit } from "@octokit/rest";
import { expect, test } from "vitest";
import type { CommandCall } from "../../../../src/trigger/github/command-call.ts";
import { createCleaner } from "../../../../src/trigger/github/context/cleaner.ts";
import { readContext } from "../../../../src/trigger/github/context/read-context.ts";
import { parsePayload } from "../../../../src/trigger/github/payload.ts";
import { silentLog } from "../app-host.ts";
import { createPayload, octocat } from "../comment-payload.ts";

const say = (): void => {};
const quiet = { debug: say, info: say, warn: say, error: say };

/** A GitHub that answers what it knows, and says nothing to anything else, as one that is overloaded. */
async function startGitHub(answers: Record<string, unknown>) {
  const server = createServer((request, response) => {
    const known = Object.entries(answers).find(([path]) => (request.url ?? "").split("?")[0]?.endsWith(path));
    if (known !== undefined)
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(known[1]));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    octokit: new Octokit({ baseUrl: `http://127.0.0.1:${port}`, log: quiet }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Octokits = { octokit: Octokit };

/** A command on a pull request, as the webhook tells of it. */
function toCall({ octokit }: Octokits, changes: Partial<CommandCall["created"]> = {}): CommandCall {
  const parsed = parsePayload(createPayload({ isPullRequest: true }), { event: "issue_comment" });
  if (parsed.kind !== "comment") throw new Error("the payload was not understood");
  return {
    deliveryId: "d-1",
    attempt: "first",
    created: { ...parsed.comment, ...changes },
    installationId: 7,
    author: octocat,
    place: { owner: "octo-org", repo: "hello", number: 42, spot: parsed.comment.comment.spot },
    octokit,
    log: silentLog,
  };
}

const cleaner = createCleaner({ webUrl: "https://github.com" });

test("what GitHub does not tell in time is named as missing, and nobody waits longer for it", async () => {
  await using github = await startGitHub({ "/issues/42/comments": [], "/pulls/42/reviews": [] });
  const started = performance.now();
  const { title, body } = await readContext(toCall(github), { cleaner, withinMs: 2000 });
  expect(performance.now() - started).toBeLessThan(4000);
  expect(title).toBe("Add an email validator");
  expect(body.match(/^## .*/gm)).toEqual([
    "## Comments on lines of the change",
    "## Failed checks of this pull request",
    "## The change of this pull request",
  ]);
  expect(body.match(/GitHub did not give this part/g)).toHaveLength(3);
});

test("a request on a line begins with that line, as GitHub sent it along", async () => {
  await using github = await startGitHub({
    "/issues/42/comments": [],
    "/pulls/42/reviews": [],
    "/pulls/42/comments": [],
    "/pulls/42/files": [],
    "/pulls/42": { head: { sha: "c".repeat(40) } },
    "/check-runs": { total_count: 0, check_runs: [] },
    "/status": { statuses: [] },
  });
  const hunk = ["@@ -1,20 +1,21 @@", ...Array.from({ length: 20 }, (_, index) => ` line ${index}`), "+<!-- x -->"].join(
    "\n",
  );
  const line = { path: "src/a\u200b.ts", line: 21, startLine: 20, side: "RIGHT", hunk } as const;
  const { body } = await readContext(toCall(github, { line }), { cleaner });
  expect(body).toMatch(
    /## The lines that the request was written on\n\nsrc\/a\.ts, lines 20 to 21\n\n line 9\n[^]* line 19\n\+<!-- x -->$/,
  );
});
