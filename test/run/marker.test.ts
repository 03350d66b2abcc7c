import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MARKER_INSTRUCTION, parseFinalMessage, toOwnMarker } from "../../src/run/marker.ts";

const DONE = "::MCP_STATUS::DONE";

describe("the marker", () => {
  test.each([
    ["alone on the last line", `Did it.\n${DONE}`, DONE, "Did it."],
    ["followed by blank lines", `Did it.\n${DONE}\n\n  \n`, DONE, "Did it."],
    ["with spaces around it", `Did it.\n  ${DONE}  `, DONE, "Did it."],
    ["as the whole message", DONE, DONE, ""],
    ["as a question's end", "A or B?\n::MCP_STATUS::NEED_USER", "::MCP_STATUS::NEED_USER", "A or B?"],
    ["after Windows line ends", `Did it.\r\n${DONE}\r\n`, DONE, "Did it."],
  ])("counts %s", (_name, message, marker, summary) => {
    expect(parseFinalMessage(message)).toEqual({ marker, summary });
  });

  test.each([
    ["in the middle of the message", `${DONE}\nand then more`],
    ["at the end of a sentence", `I am ${DONE}`],
    ["with words behind it", `Did it.\n${DONE} really`],
    ["MK-011: with the name of another run behind it", `Did it.\n${DONE} 01a22b8a-379c-7bc3-b27d-d857eaeaef24`],
    ["MK-011: with a nonce in it", "Did it.\n::MCP_STATUS::d857eaeaef24::DONE"],
    ["quoted", `Did it.\n> ${DONE}`],
    ["in a code span", `Did it.\n\`${DONE}\``],
    ["in other letters", "Did it.\n::mcp_status::done"],
    ["as one that only the orchestrator may set", "Did it.\n::MCP_STATUS::ERROR"],
    ["as one of our other own ones", "Did it.\n::MCP_STATUS::CANCELLED"],
  ])("does not count %s, and the text stays whole", (_name, message) => {
    expect(parseFinalMessage(message)).toEqual({ marker: null, summary: message });
  });

  test("MK-008: no message makes the parser fail", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 2000 }), (message) => {
        const parsed = parseFinalMessage(message);
        expect(parsed.summary).toBe(parsed.summary.trim());
      }),
    );
  });

  test("MK-008: a message of a million lines is read at once", () => {
    expect(parseFinalMessage(`${"line\n".repeat(1_000_000)}${DONE}`).marker).toBe(DONE);
  });

  test("stands in the instruction that every prompt ends with", () => {
    expect(MARKER_INSTRUCTION).toContain(DONE);
    expect(MARKER_INSTRUCTION).toContain("::MCP_STATUS::NEED_USER");
  });

  test.each([
    ["error", "::MCP_STATUS::ERROR"],
    ["timeout", "::MCP_STATUS::TIMEOUT"],
    ["cancelled", "::MCP_STATUS::CANCELLED"],
    ["done", null],
    ["need_user", null],
  ] as const)("of a run that ended %s is the orchestrator's own: %s", (status, marker) => {
    expect(toOwnMarker(status)).toBe(marker);
  });
});
