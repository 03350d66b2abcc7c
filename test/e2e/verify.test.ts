import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { ModelRequest, ModelScript } from "../../src/demo/model-script.ts";
import type { RunResult } from "../../src/run/result.ts";
import { DONE, openWorld, until, type World } from "./world.ts";

/** What the model runs in each turn of a run, in their order; the last goes for all further ones. */
let commands: string[] = [];
let prompts: string[] = [];
let world: World;

beforeAll(async () => {
  world = await openWorld({ script: answer, environment: { EGRESS_ALLOW: "operator.invalid" } });
});
afterAll(() => world[Symbol.asyncDispose]());

function answer({ prompt, outputsInTurn }: ModelRequest): ModelScript {
  if (outputsInTurn === 0 && prompts.at(-1) !== prompt) prompts.push(prompt);
  const command = commands[Math.min(prompts.length, commands.length) - 1] ?? "true";
  return [
    { items: [{ kind: "shell", command, yieldTimeMs: 30_000 }] },
    { items: [{ kind: "say", text: `Turn ${prompts.length} is over.\n${DONE}` }] },
  ];
}

const Pull = z.object({ draft: z.boolean(), body: z.string(), title: z.string() });

async function run(settings: object, body: string): Promise<{ result: RunResult; comment: string; log: string }> {
  prompts = [];
  const { git, repository } = world.github;
  const files = {
    ".github/codex.yml": JSON.stringify(settings),
    "package-lock.json": "{}\n",
    ".gitignore": "cache/\n",
  };
  await git.commit(repository, { branch: "main", message: "Settings", files });
  const commentId = await world.comment(body);
  const result = await world.nextResult();
  await world.reported(commentId);
  const comment = (await world.botComments()).find((text) => text.includes(result.run_id)) ?? "";
  return { result, comment, log: world.file(result, "log.txt") };
}

async function pullOf({ pull_request: opened }: RunResult): Promise<z.infer<typeof Pull>> {
  const path = `/repos/${world.github.repository}/pulls/${opened?.number}`;
  return Pull.parse((await world.github.call({ as: "octocat", method: "GET", path })).body);
}

test("what fails goes back to the agent on its thread; neither setup's files nor the checks' are published", async () => {
  commands = ["cat node_modules/dep.txt; cat ~/home.txt; echo a > a.txt", "cat a.txt; echo v > verified.txt"];
  const { result, comment, log } = await run(
    {
      setup: [
        "mkdir -p node_modules cache && echo dep > node_modules/dep.txt && echo x > cache/x",
        "echo 1 > package-lock.json; echo AT-HOME > ~/home.txt",
      ],
      verify: [
        "echo CHECKED >> a.txt; echo made > made-by-check.txt; cat a.txt ~/home.txt",
        "test -f verified.txt || { echo NOT-VERIFIED; exit 3; }",
      ],
    },
    "/codex Make it verified",
  );
  expect([result.status, result.output.files_changed]).toEqual(["done", ["a.txt", "verified.txt"]]);
  const { git, repository } = world.github;
  expect(await git.git(repository, ["show", `${result.commit}:a.txt`])).toBe("a\n");
  expect(prompts[1]).toMatch(/ended with exit code 3\.[^]*<(untrusted_output_\w+)>\nNOT-VERIFIED\n<\/\1>/);
  expect(JSON.stringify(world.model.requests.at(-1)?.body)).toContain("Make it verified");
  const pull = await pullOf(result);
  expect(pull).toMatchObject({ draft: false, title: expect.stringContaining("Turn 2 is over") });
  for (const text of [pull.body, comment]) {
    expect(text).toContain("passed on the change, after a failure had gone back to Codex once:");
    expect(text).toContain("- ✅ `echo CHECKED >> a.txt;");
  }
  expect(log).toMatch(/^\[setup\] \$ mkdir[^]*\$ .*cat node_modules[^]*dep\n[^]*^\[verify\] \$ test -f/m);
  expect(log).toMatch(/dep\nAT-HOME\n[^]*a\nCHECKED\nAT-HOME\n/);
  expect(log).toMatch(/NOT-VERIFIED\n\(exit code 3\)\n[^]*Turn 2 is over/);
  expect(result.usage?.output_tokens).toBeGreaterThan(0);
});

test("what still fails after all rounds is a draft that begins with it, and asks a person", async () => {
  commands = ["echo a > still-a.txt", "echo b > still-b.txt"];
  const settings = { verify: ["true", "echo LINE-1; echo LINE-2 >&2; exit 4", "echo never"], verify_rounds: 1 };
  const { result, comment } = await run(settings, "/codex Try it");
  expect([result.status, result.error, prompts.length]).toEqual(["need_user", null, 2]);
  const pull = await pullOf(result);
  expect(pull.draft).toBe(true);
  expect(pull.body).toMatch(
    /^\*\*❌ `echo LINE-1;.*` ended with exit code 4\.\*\* Its last lines:\n\n```\nLINE-1\nLINE-2\n```/,
  );
  expect(pull.body).toContain("- ➖ `echo never` was not run");
  expect(comment).toContain("own checks still fail on the change: pull request #");
  expect(comment).toContain("LINE-1\nLINE-2");
});

test("a setup that fails ends the run before the model is asked, with its command and last lines", async () => {
  const before = world.model.requests.length;
  const connect = "openssl s_client -proxy 127.0.0.1:8377 -connect nobody.invalid:443 </dev/null";
  const { result, comment, log } = await run(
    { setup: ["ls -A /run/model /in /codex/sessions || echo $HTTPS_PROXY", `${connect} || exit 9`], verify: ["true"] },
    "/codex Never begin",
  );
  expect([result.status, result.error?.reason, result.usage]).toEqual(["error", "setup-failed", null]);
  expect(result.error?.message).toContain("exit 9` ended with exit code 9.");
  expect(world.model.requests.length).toBe(before);
  expect(comment).toContain("ended with exit code 9");
  expect(comment).toContain("nobody.invalid is not in this repository's egress list");
  expect(log).toContain("[egress: nobody.invalid is not in this repository's egress list]");
  expect(log).toMatch(/cannot access '\/codex\/sessions'.*\n\/in:\n\/run\/model:\nhttp:\/\/127\.0\.0\.1:8377\n/);
});

test("a check that hangs ends with the run's time, and a suggested change that fails is kept", async () => {
  commands = ["echo s > suggested.txt"];
  const { result, comment } = await run(
    { verify: ["echo HANGS; sleep 600"] },
    "/codex --mode suggest --timeout 15s Hang",
  );
  expect([result.status, result.output.files_changed, result.branch]).toEqual(["need_user", ["suggested.txt"], null]);
  expect(comment).toContain("the patch is kept, nothing was published");
  expect(comment).toMatch(/`echo HANGS; sleep 600` did not end within .* s, the time that was left/);
  expect(result.timings.running).toBeLessThan(30);

  const before = (await world.pullRequests()).map(({ number }) => number);
  await world.comment("/codex publish");
  const number = await until("the pull request", async () =>
    (await world.pullRequests()).map((pull) => pull.number).find((found) => !before.includes(found)),
  );
  const pull = await pullOf({ ...result, pull_request: { number, url: result.trigger.url ?? "" } });
  expect(pull.draft).toBe(true);
  expect(pull.body).toMatch(/^\*\*❌ `echo HANGS; sleep 600` did not end/);
});

test("an answer in words has the setup too, and no checks; a later run has what was made, and its own alone", async () => {
  commands = ["cat made.txt; touch x.txt"];
  const settings = { setup: ["echo MADE-BY-SETUP > made.txt"], verify: ["! grep MADE made.txt"] };
  const { result, log } = await run(settings, "/codex --mode ask --base main What is there?");
  expect([result.status, result.output.files_changed]).toEqual(["done", []]);
  expect(log).toMatch(/MADE-BY-SETUP\n.*Read-only file system/);
  expect(log).not.toContain("[verify]");
  expect(log).toContain("[setup] kept for later runs");

  commands = ["cat made.txt; echo more >> made.txt; rm made.txt; echo own > own.txt"];
  const later = await run(settings, "/codex --mode suggest Work on what is there");
  expect(later.log).toMatch(/^\[setup\] reused \(key \w+, made 2\S+Z\) in [^]*MADE-BY-SETUP/);
  expect(later.result.output.files_changed).toEqual(["own.txt"]);
});

test("the checks have no network, no model, no prompt, and the agent's own rights", async () => {
  commands = ["echo c > contained.txt"];
  const look =
    "ls -A /run/model /in; ls /run/egress || id -u; cat /proc/self/status | grep CapEff; ls /sys/class/net; env; touch /source/x || exit 5";
  const { result, log } = await run({ verify: [look] }, "/codex --mode suggest Look around");
  const checked = log.slice(log.indexOf("[verify]"));
  expect(result.status).toBe("need_user");
  expect(checked).toContain("/in:\n/run/model:\nls: cannot access '/run/egress'");
  expect(checked).toMatch(/^CapEff:\s0{16}\nlo$/m);
  expect(checked).not.toMatch(/PROXY|API_KEY|^0$/m);
  expect(checked).toContain("touch: cannot touch '/source/x': Read-only file system");
});
