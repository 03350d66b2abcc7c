import { describe, expect, test } from "vitest";
import { digestToken } from "../../../../src/access/token.ts";
import { createSessions } from "../../../../src/trigger/mcp/http/session.ts";

const key = digestToken("mine");

describe("the id of a session", () => {
  test("is visible ASCII, new each time, and known to every server that knows the token", () => {
    const sessions = createSessions();
    const ids = [sessions.issue(key), sessions.issue(key)];
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) {
      expect(id).toMatch(/^[\u0021-\u007e]{59}$/);
      expect(sessions.check(id, key)).toBe("valid");
      expect(createSessions().check(id, key)).toBe("valid");
    }
  });

  test("is unknown to another principal", () => {
    const sessions = createSessions();
    expect(sessions.check(sessions.issue(key), digestToken("theirs"))).toBe("unknown");
  });

  test("is unknown when any character of it is another", () => {
    const sessions = createSessions();
    const id = sessions.issue(key);
    for (let index = 0; index < id.length; index++) {
      const other = id[index] === "a" ? "b" : "a";
      expect(sessions.check(`${id.slice(0, index)}${other}${id.slice(index + 1)}`, key)).toBe("unknown");
    }
    for (const wrong of ["", "x", `${id}A`, id.slice(0, -1), id.toUpperCase(), `${id}\n`, id.replace(".", "")])
      expect(sessions.check(wrong, key)).toBe("unknown");
  });

  test("has one spelling: spare bits of its last character count", () => {
    const sessions = createSessions();
    const id = sessions.issue(key);
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const spellings = [...alphabet].filter((last) => sessions.check(id.slice(0, -1) + last, key) === "valid");
    expect(spellings).toHaveLength(1);
  });

  test("is unknown once it has ended, and others go on", () => {
    const sessions = createSessions();
    const [ended, other] = [sessions.issue(key), sessions.issue(key)];
    sessions.end(ended);
    expect(sessions.check(ended, key)).toBe("unknown");
    expect(sessions.check(other, key)).toBe("valid");
  });

  test("that has ended is kept in mind until 10,000 others have", () => {
    const sessions = createSessions();
    const [first, second] = [sessions.issue(key), sessions.issue(key)];
    sessions.end(first);
    sessions.end(second);
    for (let count = 0; count < 9_999; count++) sessions.end(`other-${count}`);
    expect(sessions.check(second, key)).toBe("unknown");
    expect(sessions.check(first, key)).toBe("valid");
  });
});
