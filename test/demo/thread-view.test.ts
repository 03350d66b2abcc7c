import { describe, expect, test } from "vitest";
import { startGitHubStandIn } from "../../src/demo/github/stand-in.ts";
import { toVisible, viewThread } from "../../src/demo/thread-view.ts";

describe("of a Markdown text, what is shown", () => {
  test.each([
    ["leaves out HTML comments", "a <!-- hidden\nstill --> b", "a  b"],
    ["shows only the summary of what is folded up", "<details>\n<summary>Log</summary>\n\nlong\n</details>", "▸ Log"],
    ["has no escape sequences and no signs that turn the text around", "a\u001b[31mb\u202ec\u200b", "a[31mbc"],
    ["has entities as people see them", "#&#8203;5 &lt;b&gt; &amp;amp;", "#5 <b> &amp;"],
  ])("%s", (_, markdown, visible) => {
    expect(toVisible(markdown)).toBe(visible);
  });
});

test("a thread shows who said what, and who reacted how", async () => {
  await using standIn = await startGitHubStandIn();
  const thread = `/repos/octo-org/hello/issues/${standIn.issueNumber}`;
  await standIn.call({ as: "octocat", method: "POST", path: `${thread}/reactions`, body: { content: "heart" } });
  await standIn.call({ as: "octocat", method: "POST", path: `${thread}/comments`, body: { body: "one\n\n\n\ntwo" } });
  const lines = await viewThread(standIn, { issue: standIn.issueNumber, style: "plain", width: 60 });
  expect(lines[0]).toBe("── Issue #4: Add an email validator (open) ─────────────────");
  expect(lines[2]).toBe("rita-read");
  expect(lines).toContain("  ❤️ octocat");
  expect(lines.slice(-5)).toEqual(["octocat", "  one", "", "  two", ""]);
});
