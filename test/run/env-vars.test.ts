import { execFileSync } from "node:child_process";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EnvVars, hideValues, toShellAssignments } from "../../src/run/env-vars.ts";

function refusal(variables: Record<string, string>): string | null {
  return EnvVars.safeParse(variables).error?.issues[0]?.message ?? null;
}

describe("variables of a run", () => {
  test("are taken with any text in them", () => {
    const variables = {
      MY_API_TOKEN: `it's "$x"\n\`y\`\\ tök`,
      _x1: "",
      npm_config_registry: "http://localhost",
      Path_Key: "a",
    };
    expect(EnvVars.parse(variables)).toEqual(variables);
  });

  test.each([
    ["GIT_DIR", "it steers git"],
    ["GIT_SSH_COMMAND", "it steers git"],
    ["CODEX_HOME", "it steers Codex"],
    ["OPENAI_API_KEY", "it steers Codex"],
    ["LD_PRELOAD", "it steers how programs are loaded"],
    ["DYLD_INSERT_LIBRARIES", "it steers how programs are loaded"],
    ["GLIBC_TUNABLES", "it steers how programs are loaded"],
    ["https_proxy", "it steers the way to the network"],
    ["NO_PROXY", "it steers the way to the network"],
    ["Ftp_Proxy", "it steers the way to the network"],
    ["PATH", "it steers the shell"],
    ["IFS", "it steers the shell"],
    ["ENV", "it steers the shell"],
    ["BASH_ENV", "it steers the shell"],
    ["BASHOPTS", "it steers the shell"],
    ["SHELLOPTS", "it steers the shell"],
    ["PS4", "it steers the shell"],
    ["SHELL", "it steers the shell"],
    ["OPTIND", "it steers the shell"],
    ["UID", "it is the shell's own"],
    ["HOME", "it belongs to the container"],
    ["TMPDIR", "it belongs to the container"],
    ["NODE_OPTIONS", "by it code is run"],
  ])("may not be called %s: %s", (name, why) => {
    expect(refusal({ FINE: "x", [name]: "x" })).toContain(`The variable ${name} cannot be set: ${why}`);
  });

  test.each(["", "1A", "A-B", "A B", "A=B", "Ä", "A\n", "a".repeat(129)])("may not be called %j", (name) => {
    expect(refusal({ [name]: "x" })).toMatch(/is no name of a variable/);
  });

  test.each([
    ["NUL", "a\0b", "NUL character"],
    ["half a character", "a\ud800b", "half a character"],
  ])("may not hold %s, and the message names the variable and not the value", (_what, value, words) => {
    const message = refusal({ MINE: value });
    expect(message).toContain("The value of the variable MINE");
    expect(message).toContain(words);
    expect(message).not.toContain("a\0b");
  });

  test("may be 64, of 32 KiB together", () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`N${at}`, ""]));
    expect([refusal(many(64)), refusal(many(65))]).toEqual([null, "There are 65 variables; a run may have 64."]);
    expect(refusal({ A: "x".repeat(32 * 1024 - 1) })).toBeNull();
    expect(refusal({ A: "é".repeat(16 * 1024) })).toBe(
      "The variables take 32769 bytes together; a run may have 32768.",
    );
  });

  test("are shown with three stars for each value, however short", () => {
    expect([hideValues({ A: "", B: "secret-value" }), hideValues(null)]).toEqual([{ A: "***", B: "***" }, null]);
  });
});

test("a shell reads exactly the values that were written for it", () => {
  const awkward = [
    ...Array.from({ length: 0xff }, (_, at) => String.fromCodePoint(at + 1)),
    "'",
    "\\",
    "\n",
    "$(x)",
    "`x`",
    "😀",
  ];
  const value = fc.array(fc.constantFrom(...awkward), { maxLength: 60 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(value, value, (one, other) => {
      const script = `${toShellAssignments({ ONE: one, OTHER_1: other })}printf '%s\\0%s' "$ONE" "$OTHER_1"`;
      expect(execFileSync("/bin/sh", ["-u"], { input: script }).toString()).toBe(`${one}\0${other}`);
    }),
    { numRuns: 60 },
  );
});
