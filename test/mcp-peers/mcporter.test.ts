import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { RunResult } from "../../src/run/result.ts";
import { tools } from "../../src/trigger/mcp/tools.ts";
import { openPeerWorld, STDIO_COMMAND, TOKEN, type PeerWorld } from "./peer-world.ts";
import { runPeer } from "./run-peer.ts";

let peers: PeerWorld;
beforeAll(async () => {
  peers = await openPeerWorld();
});
afterAll(() => peers[Symbol.asyncDispose]());

type Transport = "HTTP" | "stdio";

/** Runs one of mcporter's commands against the server, which it knows as `orch`. */
function port([command, ...args]: [string, ...string[]], { over }: { over: Transport }) {
  const { mcpUrl, stdioEnvironment, folder } = peers;
  const [program, ...rest] = STDIO_COMMAND;
  const target =
    over === "HTTP"
      ? ["--http-url", mcpUrl, "--allow-http", "--header", `authorization=Bearer ${TOKEN}`]
      : [
          ...["--stdio", program, ...rest.flatMap((argument) => ["--stdio-arg", argument])],
          ...Object.entries(stdioEnvironment).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
        ];
  return runPeer(["mcporter", command, ...target, "--name", "orch", "--no-oauth", ...args], { folder });
}

const Listed = z.looseObject({ status: z.string(), tools: z.array(z.looseObject({ name: z.string() })) });

describe.each(["HTTP", "stdio"] as const)("over %s", (over) => {
  test("mcporter finds every tool", async () => {
    const { exitCode, stdout, stderr } = await port(["list", "--json"], { over });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.any(String) });
    const { status, tools: found } = Listed.parse(JSON.parse(stdout));
    expect([status, found.map(({ name }) => name)]).toEqual(["ok", tools.map(({ name }) => name)]);
  });

  test("mcporter calls codex_run, and a pull request is made", async () => {
    const { repository } = peers.world.github;
    const call = ["codex_run", `prompt=Do the work over ${over}`, `repo=${repository}`, "--output", "json"];
    const { exitCode, stdout, stderr } = await port(["call", ...call], { over });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.any(String) });
    const { status, trigger, output, pull_request: made } = RunResult.parse(JSON.parse(stdout));
    expect([status, trigger.kind, output.files_changed]).toEqual(["done", "mcp", ["work.txt"]]);
    expect((await peers.world.pullRequests()).map(({ number }) => number)).toContain(made?.number);
  });

  test("mcporter shows what was wrong with a call, and exits with an error", async () => {
    const { exitCode, stdout, stderr } = await port(["call", "codex_run", "prompt=x", "repo=octo-org/nowhere"], {
      over,
    });
    expect(exitCode).not.toBe(0);
    expect(stdout + stderr).toContain("there is no repository");
  });
});
