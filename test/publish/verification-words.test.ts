import { expect, test } from "vitest";
import { toFailureText, toVerifiedText } from "../../src/publish/verification-words.ts";

const failure = { command: "npm test", how: "ended with exit code 1", lastLines: "1 failed" };
const commands = ["npm run build", "npm test", "npm run lint"];

test.each([
  [{ passed: 3, failure: null, rounds: 0 }, "The repository's own checks passed on the change:", ["✅", "✅", "✅"]],
  [
    { passed: 3, failure: null, rounds: 2 },
    "The repository's own checks passed on the change, after a failure had gone back to Codex 2 times:",
    ["✅", "✅", "✅"],
  ],
  [
    { passed: 1, failure, rounds: 1 },
    "The repository's own checks still fail, though a failure went back to Codex once:",
    ["✅", "❌", "➖"],
  ],
  [
    { passed: 0, failure, rounds: 0 },
    "The repository's own checks were run on the change, and failed:",
    ["❌", "➖", "➖"],
  ],
])("what was verified is told command by command", (known, headline, marks) => {
  const [first, , ...lines] = toVerifiedText({ commands, ...known }).split("\n");
  expect(first).toBe(headline);
  expect(lines.map((line) => line.split(" ")[1])).toEqual(marks);
});

test("a command and what it printed can end no code and mention nobody", () => {
  const text = toFailureText({
    command: "echo `x`\n@octo-org/all **bold**",
    how: "ended with exit code 1",
    lastLines: "```\n@octocat closes #1\n```\n<img src=x>",
  });
  const [head = "", ...rest] = text.split("\n");
  expect(head).toMatch(/^\*\*❌ <code>[^<>`*@]*<\/code> ended with exit code 1\.\*\* Its last lines:$/);
  expect(rest.join("\n").trim()).toBe("````\n```\n@octocat closes #1\n```\n<img src=x>\n````");
});
