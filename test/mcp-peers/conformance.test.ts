import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { connectOverHttp } from "../helpers/mcp-clients.ts";
import { DONE } from "../e2e/world.ts";
import { scenarios } from "./conformance-scenarios.ts";
import { openPeerWorld, TOKEN, type PeerWorld } from "./peer-world.ts";
import { runPeer } from "./run-peer.ts";
import { openStandInProxy, type StandInProxy } from "./stand-in-proxy.ts";

let peers: PeerWorld;
let proxy: StandInProxy;
let standIns: Record<string, string> = {};

beforeAll(async () => {
  peers = await openPeerWorld({ script: [{ items: [{ kind: "say", text: `Seen.\n${DONE}` }] }] });
  const { server, github } = peers.world;
  const call = { prompt: "Look at it", mode: "ask", repo: github.repository };
  await using client = await connectOverHttp(server.url, { token: TOKEN });
  const { structuredContent } = await client.call("codex_run", call);
  const log = `run://${String(structuredContent?.["run_id"])}/log`;
  standIns = {
    "test://static-text": log,
    "test://watched-resource": log,
    '"name":"test_simple_text"': '"name":"codex_run_list"',
    '"name":"test_error_handling"': '"name":"codex_run_status"',
    '"name":"test_tool_with_progress","arguments":{}': `"name":"codex_run","arguments":${JSON.stringify(call)}`,
  };
  proxy = await openStandInProxy(server.url, { token: TOKEN, standIns });
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await peers[Symbol.asyncDispose]();
});

const Checks = z.array(z.looseObject({ id: z.string(), status: z.string(), errorMessage: z.string().optional() }));

/** The checks that a scenario made, from the file in which the suite keeps them. */
async function runScenario(name: string, { version }: { version: string }) {
  const { folder } = peers;
  const output = join(folder, `${name}-${version}`);
  const chosen = ["--scenario", name, "--spec-version", version, "--force", "--output-dir", output];
  const { exitCode, stdout, stderr } = await runPeer(["conformance", "server", "--url", proxy.url, ...chosen], {
    folder,
  });
  const [results] = readdirSync(output);
  if (results === undefined) throw new Error(`no results: ${stdout}${stderr}`);
  const checks = Checks.parse(JSON.parse(readFileSync(join(output, results, "checks.json"), "utf8")));
  return {
    exitCode,
    succeeded: checks.filter(({ status }) => status === "SUCCESS").length,
    failed: checks.filter(({ status }) => status === "FAILURE").map(({ id, errorMessage }) => ({ id, errorMessage })),
  };
}

test("every server scenario of the suite is named here, with what is known of it, and no other", async () => {
  const { stdout } = await runPeer(["conformance", "list", "--server"], peers);
  const [, servers = ""] = /^Server scenarios.*:\n((?: +- .*\n?)+)/m.exec(stdout) ?? [];
  const listed = [...servers.matchAll(/^ +- (\S+)/gm)].map(([, name]) => name ?? "");
  expect(listed.length).toBeGreaterThan(0);
  expect(listed.toSorted()).toEqual(Object.keys(scenarios).toSorted());
});

const runs = Object.entries(scenarios).flatMap(([name, scenario]) =>
  "passes" in scenario ? scenario.passes.map((version) => ({ name, version })) : [],
);

describe("the conformance suite finds nothing wrong with", () => {
  test.each(runs)("$name in $version", async ({ name, version }) => {
    const { exitCode, succeeded, failed } = await runScenario(name, { version });
    expect({ exitCode, failed }).toEqual({ exitCode: 0, failed: [] });
    expect(succeeded).toBeGreaterThan(0);
  });

  test("what stands in for its fixtures, which it did ask for", () => {
    expect([...proxy.used].toSorted()).toEqual(Object.keys(standIns).toSorted());
  });
});
