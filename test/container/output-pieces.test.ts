import { PassThrough } from "node:stream";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readPieces } from "../../src/container/output-pieces.ts";
import { joinPieces, toFrame } from "./output-frames.ts";

test("frames come out whole, however they are cut into chunks", async () => {
  const frame = fc.record({
    stream: fc.constantFrom<"stdout" | "stderr">("stdout", "stderr"),
    bytes: fc.string({ unit: "grapheme" }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(frame), fc.integer({ min: 1, max: 20 }), async (frames, chunkBytes) => {
      const source = new PassThrough();
      const bytes = Buffer.concat(frames.map(toFrame));
      for (let at = 0; at < bytes.length; at += chunkBytes) source.write(bytes.subarray(at, at + chunkBytes));
      source.end();
      const join = (wanted: string) => frames.flatMap(({ stream, bytes }) => (stream === wanted ? bytes : [])).join("");
      expect(await joinPieces(readPieces(source))).toEqual({ stdout: join("stdout"), stderr: join("stderr") });
    }),
    { numRuns: 50 },
  );
});
