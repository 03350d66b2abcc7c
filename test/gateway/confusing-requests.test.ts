import { anything, assert, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { checkModelRequest, parseModelRequest } from "../../src/gateway/check-model-request.ts";

const base = { model: "gpt-5.5", stream: true, input: [{ type: "message", role: "user", content: "hi" }] };

describe("bodies made to confuse", () => {
  const parse = (text: string) => checkModelRequest(parseModelRequest(Buffer.from(text)));

  test("of two equal keys only the one that was checked goes on", () => {
    const checked = parse(
      '{"model":"m","tools":[],"tools":[{"type":"function","name":"f"}],"store":false,"store":true,"input":"x"}',
    );
    expect(checked).toMatchObject({ verdict: "allowed" });
    expect(JSON.stringify(checked.verdict === "allowed" && checked.body)).toBe(
      '{"model":"m","input":"x","tools":[{"type":"function","name":"f"}],"store":false}',
    );
    expect(
      parse('{"input":[{"type":"message","content":[{"image_url":"data:x","image_url":"https://evil"}]}]}').verdict,
    ).toBe("refused");
  });

  test("keys of the prototype change nothing", () => {
    const checked = parse('{"input":"x","__proto__":{"background":true,"tools":[{"type":"mcp"}]},"constructor":1}');
    expect(({} as { background?: unknown }).background).toBeUndefined();
    expect(JSON.stringify(checked)).not.toContain("mcp");
    const nested = parse(
      '{"input":[{"type":"message","__proto__":{"server_url":"https://evil"},"x":{"__proto__":{"a":1}}}]}',
    );
    expect(JSON.stringify(nested)).not.toContain("server_url");
  });

  test.each(["", "null", "[]", "1", '"x"', "{", '{"input":1}', '{"model":1}', '{"input":[1]}', "not json"])(
    "%s is refused",
    (text) => {
      expect(parse(text).verdict).toBe("refused");
    },
  );

  test("bytes that are no UTF-8 are refused", () => {
    const [before, after] = [Buffer.from('{"input":"'), Buffer.from('"}')];
    const toVerdict = (...bytes: number[]) =>
      checkModelRequest(parseModelRequest(Buffer.concat([before, Buffer.from(bytes), after]))).verdict;
    expect([toVerdict(0x61), toVerdict(0xff)]).toEqual(["allowed", "refused"]);
  });

  test("nesting without end is refused, not crashed on", () => {
    for (const key of ["input", "tools", "text", "zzz"])
      expect(parse(`{"${key}":${"[".repeat(200_000)}${"]".repeat(200_000)}}`).verdict).toBe("refused");
  });

  test("whatever the value, there is a verdict, and checking what was allowed changes nothing more", () => {
    assert(
      property(anything({ maxDepth: 4, withNullPrototype: true }), anything(), (value, input) => {
        for (const body of [value, { ...base, input }, { ...base, tools: value }]) {
          const checked = checkModelRequest(body);
          const again = checked.verdict === "allowed" ? checkModelRequest(checked.body) : checked;
          expect({ ...again, removedTools: [] }).toEqual({ ...checked, removedTools: [] });
        }
      }),
    );
  });
});

test("a request of 8 MB is checked in well under a second", () => {
  const text = JSON.stringify({
    ...base,
    input: Array.from({ length: 4000 }, () => ({
      type: "function_call_output",
      call_id: "c",
      output: "x".repeat(2000),
    })),
  });
  const started = performance.now();
  expect(checkModelRequest(parseModelRequest(Buffer.from(text))).verdict).toBe("allowed");
  expect(performance.now() - started).toBeLessThan(1000);
});
