import { expect, test } from "vitest";
import { toCommandScript } from "../../src/repo-commands/command-script.ts";

const { argv, readMark } = toCommandScript(["npm ci", "npm test"], { copyFrom: null });
const [, , mark = ""] = argv;

test.each([
  [`${mark} 1 begun`, { number: 1, exitCode: null }],
  [`${mark} 2 0`, { number: 2, exitCode: 0 }],
  [`${mark} 0 1`, { number: 0, exitCode: 1 }],
  [`${mark} 1 137`, { number: 1, exitCode: 137 }],
])("the line %j is a mark", (line, expected) => expect(readMark(line)).toEqual(expected));

test.each([
  "",
  "x 1",
  "1",
  "1 x",
  "NaN NaN",
  "-1 0",
  "1 -1",
  "1e3 0",
  "Infinity 0",
  "1 0 0",
  "0x1 0",
  " 1 0",
  "1 256",
  "99999 0",
])("a command that found out the mark and prints it with %j printed a line like any other", (rest) =>
  expect(readMark(`${mark} ${rest}`)).toBeNull(),
);
