import { afterAll, beforeAll, expect, test } from "vitest";
import type { ModelScript } from "../../src/demo/model-script.ts";
import { DONE, openWorld, type World } from "./world.ts";

/** Names that no name server knows (RFC 6761): whoever may reach them gets as far as asking for them. */
const [OPERATORS, REPOSITORYS, NOBODYS] = ["operator.invalid", "repository.invalid", "nobody.invalid"];
const toConnect = (host: string): string =>
  `openssl s_client -proxy 127.0.0.1:8377 -connect ${host}:443 </dev/null 2>&1 | grep -i 'connect failed'`;

let world: World;
let script: ModelScript = [];
let prompt = "";
beforeAll(async () => {
  world = await openWorld({
    script: (asked) => {
      prompt = asked.prompt;
      return script;
    },
    environment: { EGRESS_ALLOW: OPERATORS },
  });
});
afterAll(() => world[Symbol.asyncDispose]());

test("a run's commands may reach the repository's and the operator's hosts; others are refused, and the log says so", async () => {
  const { git, repository } = world.github;
  await git.commit(repository, {
    ...{ branch: "main", message: "Settings", files: { ".github/codex.yml": `egress: [${REPOSITORYS}]\n` } },
  });
  const command = ["echo proxy=$HTTPS_PROXY", ...[OPERATORS, REPOSITORYS, NOBODYS].map(toConnect)].join("; ");
  script = [
    { items: [{ kind: "shell", command, yieldTimeMs: 30_000 }] },
    { items: [{ kind: "say", text: `Tried.\n${DONE}` }] },
  ];
  await world.comment("/codex Fetch it");
  const result = await world.nextResult();
  expect(result.status).toBe("done");
  expect(prompt).toContain(`except by https to ${REPOSITORYS}, ${OPERATORS}:`);
  const log = world.file(result, "log.txt");
  expect(log).toContain("proxy=http://127.0.0.1:8377");
  expect(log).toContain(`HTTP CONNECT failed, reason= 403 ${NOBODYS} is not in this repository's egress list`);
  expect(log).toContain(`[egress: ${NOBODYS} is not in this repository's egress list]`);
  for (const host of [OPERATORS, REPOSITORYS])
    expect(log).toMatch(new RegExp(`^\\[egress: ${host} could not be found \\(E\\w+\\)\\]$`, "m"));
});
