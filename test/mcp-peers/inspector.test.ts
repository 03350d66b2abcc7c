import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { tools } from "../../src/trigger/mcp/tools.ts";
import { openPeerWorld, STDIO_COMMAND, TOKEN, type PeerWorld } from "./peer-world.ts";
import { runPeer } from "./run-peer.ts";

let peers: PeerWorld;
beforeAll(async () => {
  peers = await openPeerWorld();
});
afterAll(() => peers[Symbol.asyncDispose]());

type Transport = "HTTP" | "stdio";

/** Runs the Inspector's command line against the server. */
function inspect(args: string[], { over }: { over: Transport }) {
  const { mcpUrl, stdioEnvironment, folder } = peers;
  const variables = Object.entries(stdioEnvironment).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
  const target =
    over === "HTTP"
      ? [mcpUrl, "--transport", "http", "--header", `Authorization: Bearer ${TOKEN}`]
      : [...STDIO_COMMAND, ...variables];
  return runPeer(["mcp-inspector", "--cli", ...target, ...args], { folder });
}

const Listed = z.object({ tools: z.array(z.looseObject({ name: z.string() })) });
const Called = z.looseObject({ structuredContent: z.record(z.string(), z.unknown()) });

describe.each(["HTTP", "stdio"] as const)("over %s", (over) => {
  test("the Inspector finds every tool, and none whose schema some client would refuse", async () => {
    const { exitCode, stdout, stderr } = await inspect(["--method", "tools/list", "--strict"], { over });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.any(String) });
    expect(Listed.parse(JSON.parse(stdout)).tools.map(({ name }) => name)).toEqual(tools.map(({ name }) => name));
    // The answer that a caller's own schema asked for may be any JSON there is.
    const places = [...stderr.matchAll(/^ +Path: (.*)$/gm)].map(([, path]) => path);
    expect([...new Set(places)]).toEqual(["outputSchema.properties.output.properties.data"]);
  });

  test("the Inspector calls a tool, and its arguments arrive with their types", async () => {
    const call = ["--method", "tools/call", "--tool-name", "codex_run_list", "--tool-arg", "limit=1"];
    const { exitCode, stdout, stderr } = await inspect(call, { over });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.any(String) });
    expect(Called.parse(JSON.parse(stdout)).structuredContent).toEqual({ runs: [], next_cursor: null });
  });

  test("the Inspector lists the templates of resources", async () => {
    const { exitCode, stdout, stderr } = await inspect(["--method", "resources/templates/list"], { over });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.any(String) });
    expect(stdout).toContain("run://{run_id}/log");
  });
});

test("without the token the Inspector is turned away", async () => {
  const { mcpUrl, folder } = peers;
  const { exitCode, stdout, stderr } = await runPeer(["mcp-inspector", "--cli", mcpUrl, "--method", "tools/list"], {
    folder,
  });
  expect(exitCode).not.toBe(0);
  expect(stdout + stderr).toContain("auth_required");
});
