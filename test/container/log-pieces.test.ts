import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { readLogPieces } from "../../src/container/log-pieces.ts";
import { joinPieces, toFrame } from "./output-frames.ts";

/** What Docker 20.10 gives for messages of some times. */
async function readLog(messages: [time: number, text: string, stream?: "stderr"][]) {
  const source = new PassThrough();
  for (const [time, text, stream = "stdout"] of messages) {
    source.write(toFrame({ stream, bytes: `2026-01-02T03:04:05.${String(time).padStart(9, "0")}Z ${text}` }));
  }
  source.end();
  return joinPieces(readLogPieces(source));
}

const long = "x".repeat(16_384);

describe("the pieces of a log", () => {
  test("lines come out as they were written, without their times", async () => {
    const lines = await readLog([
      [1, "one two\n"],
      [2, "\n"],
      [3, "three"],
    ]);
    expect(lines.stdout).toBe("one two\n\nthree");
  });

  test("a line of many messages gets back the line feed that the log forgot", async () => {
    const messages: Parameters<typeof readLog>[0] = [
      [1, long],
      [1, long],
      [1, "end"],
      [2, long],
      [3, "short\n"],
    ];
    expect((await readLog(messages)).stdout).toBe(`${long}${long}end\n${long}\nshort\n`);
  });

  test("and none that it kept", async () => {
    const messages: Parameters<typeof readLog>[0] = [
      [1, long],
      [1, "end\n"],
      [2, "short\n"],
    ];
    expect((await readLog(messages)).stdout).toBe(`${long}end\nshort\n`);
  });

  test("each stream has lines of its own", async () => {
    const both = await readLog([
      [1, long],
      [2, "complaint\n", "stderr"],
      [1, "end"],
      [3, "next\n"],
    ]);
    expect(both).toEqual({ stdout: `${long}end\nnext\n`, stderr: "complaint\n" });
  });

  test("at the log's end a long line is over when its last message is a short one", async () => {
    expect(
      (
        await readLog([
          [1, long],
          [1, "end"],
        ])
      ).stdout,
    ).toBe(`${long}end\n`);
    expect(
      (
        await readLog([
          [1, long],
          [1, long],
        ])
      ).stdout,
    ).toBe(`${long}${long}`);
  });
});
