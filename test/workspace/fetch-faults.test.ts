import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { RunError } from "../../src/run/failure.ts";
import { openFaultProxy, type PlannedFault } from "../publish/fault-proxy.ts";
import { openGitHost } from "./git-host.ts";
import { Lab } from "./lab.ts";

const AUTHORIZATION = "Basic eDp0b2tlbi1vZi10aGUtdGVzdA==";

/** Clones over a bad line; what came of it, and how often the other side was asked. */
async function cloneOver(faults: PlannedFault[]): Promise<{ said: string; asked: number }> {
  await using lab = new Lab();
  lab.createRemote({ "a.txt": "a\n" });
  await using host = await openGitHost(join(lab.path, "remotes"), { authorization: AUTHORIZATION });
  await using proxy = await openFaultProxy(host.url);
  for (const fault of faults) proxy.plan(fault);
  const credential = { origin: proxy.origin, authorization: AUTHORIZATION };
  const outageWaitsMs = Array.from({ length: 20 }, () => 1);
  const said = await lab.clone(`${proxy.origin}/remote.git`, { credential, outageWaitsMs }).then(
    () => "cloned",
    (error: unknown) => (error instanceof RunError ? `${error.failure.reason}: ${error.message}` : String(error)),
  );
  return { said, asked: proxy.seen.length };
}

describe("a remote that stumbles while a run is cloned", () => {
  test.each([500, 502, 503, 504, 429])("with %i, for a while: asked until it answers", async (status) => {
    const { said, asked } = await cloneOver([{ on: /./, kind: "status", status, times: 6 }]);
    expect(said).toBe("cloned");
    expect(asked).toBeGreaterThan(6);
  });

  test.each(["cut-before", "cut-after"] as const)("with connections that are %s: asked again", async (kind) => {
    expect((await cloneOver([{ on: /./, kind, times: 5 }])).said).toBe("cloned");
  });

  test("for good: given up after the last wait", async () => {
    expect((await cloneOver([{ on: /./, kind: "status", status: 503, times: 1000 }])).said).toMatch(
      /^clone-failed: .*503/,
    );
  });

  test("with a refusal: asked once", async () => {
    const { said, asked } = await cloneOver([{ on: /./, kind: "status", status: 404, times: 100 }]);
    expect(said).toMatch(/^clone-failed: .*not found/);
    expect(asked).toBeLessThan(3);
  });
});
