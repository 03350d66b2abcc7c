import { expect, test } from "vitest";
import { toPlainLine, toPlainText } from "../../src/text/plain.ts";

test("plain text keeps tabs and has one kind of line break", () => {
  expect(toPlainText("a\tb\r\nc\rd\u2029e\u0000\u001b[1mf\u001b[0m")).toBe("a\tb\nc\nd\nef");
});

test("a plain line is one line of visible characters", () => {
  expect(toPlainLine("  Add\n\n an\u200b email\tvalidator ", { maxLength: 72 })).toBe("Add an email validator");
});

test("a plain line is cut between characters, never inside one", () => {
  expect(toPlainLine("🚀".repeat(10), { maxLength: 5 })).toBe("🚀🚀🚀🚀…");
  expect(toPlainLine("🚀".repeat(5), { maxLength: 5 })).toBe("🚀🚀🚀🚀🚀");
  expect(toPlainLine("x".repeat(1000), { maxLength: 10 })).toBe(`${"x".repeat(9)}…`);
});
