import { expect, test } from "vitest";
import { judgeCodexReport } from "../../src/doctor/check-codex.ts";

const image = "codex-runner:latest";
const ok = { status: "ok", summary: "as it should be", remediation: null };

/** What Codex 0.169 prints in a good image without a network: its exit code is 1 then, too. */
const good = {
  overallStatus: "fail",
  codexVersion: "0.169.0",
  checks: {
    "auth.credentials": { ...ok, status: "fail", summary: "no Codex credentials were found" },
    "network.provider_reachability": { ...ok, status: "fail", summary: "endpoints are unreachable over HTTP" },
    "updates.status": { ...ok, status: "warning" },
    installation: ok,
    "runtime.search": ok,
    "git.environment": { ...ok, summary: "git executable found; execution not verified" },
    "state.paths": ok,
  },
};

const judge = (checks: object) =>
  judgeCodexReport(JSON.stringify({ ...good, checks: { ...good.checks, ...checks } }), { image });

test("what a container without network and login cannot have is no fault of the image", () => {
  expect(judge({})).toEqual({
    verdict: "passed",
    detail: "Codex 0.169.0 finds all its parts in the image (4 of its own checks)",
  });
});

test.each([
  ["runtime.search", { ...ok, status: "warning", summary: "search command could not be verified" }],
  ["installation", { ...ok, status: "fail", summary: "installation is not consistent" }],
  // Codex itself does not mind.
  ["git.environment", { ...ok, summary: "git executable not found" }],
])("%s that is not well fails, with Codex's own words", (name, check) => {
  expect(judge({ [name]: check })).toMatchObject({
    verdict: "failed",
    detail: `\`codex doctor\` in ${image} says: ${check.summary}`,
    mend: expect.stringContaining("codex-orchestrator image build"),
  });
});

test.each([
  ["", /gives no report$/],
  ["error: unrecognized subcommand 'doctor'\n", /gives no report: error: unrecognized subcommand/],
  ['{"checks": 1}', /gives no report/],
])("%j is no report", (text, detail) => {
  expect(judgeCodexReport(text, { image })).toMatchObject({ verdict: "failed", detail: expect.stringMatching(detail) });
});
