import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { splitOutput } from "../../src/container/split-output.ts";

function toFrame(kind: 1 | 2, payload: string): Buffer {
  const bytes = Buffer.from(payload);
  const header = Buffer.alloc(8);
  header[0] = kind;
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

describe("splitting an engine's output", () => {
  test("frames come out whole, however they are cut into chunks", async () => {
    const frame = fc.record({ kind: fc.constantFrom<1 | 2>(1, 2), payload: fc.string({ unit: "grapheme" }) });
    await fc.assert(
      fc.asyncProperty(fc.array(frame), fc.integer({ min: 1, max: 20 }), async (frames, chunkBytes) => {
        const source = new PassThrough();
        const { stdout, stderr } = splitOutput(source);
        const bytes = Buffer.concat(frames.map(({ kind, payload }) => toFrame(kind, payload)));
        for (let at = 0; at < bytes.length; at += chunkBytes) source.write(bytes.subarray(at, at + chunkBytes));
        source.end();
        const join = (wanted: 1 | 2) =>
          frames.flatMap(({ kind, payload }) => (kind === wanted ? payload : [])).join("");
        expect(await Promise.all([text(stdout), text(stderr)])).toEqual([join(1), join(2)]);
      }),
      { numRuns: 50 },
    );
  });

  test("nothing more is taken from the engine while the reader does not read", async () => {
    const source = new PassThrough({ highWaterMark: 1024 });
    const { stdout, stderr } = splitOutput(source);
    const frame = toFrame(1, "x".repeat(16 * 1024));
    let taken = 0;
    for (let n = 0; n < 100 && source.write(frame); n += 1) {
      taken += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(taken).toBeLessThan(20);
    stdout.resume();
    stderr.resume();
    source.end();
  });

  test("a connection that breaks ends both streams after what came", async () => {
    const source = new PassThrough();
    const { stdout, stderr } = splitOutput(source);
    source.write(toFrame(1, "so far"));
    setImmediate(() => source.destroy(new Error("gone")));
    expect(await Promise.all([text(stdout), text(stderr)])).toEqual(["so far", ""]);
  });

  test("a reader of one stream that goes away does not hold the other up", async () => {
    const source = new PassThrough();
    const { stdout, stderr } = splitOutput(source);
    stdout.destroy();
    source.write(toFrame(1, "x".repeat(1_000_000)));
    source.end(toFrame(2, "still here"));
    expect(await text(stderr)).toBe("still here");
  });

  test("the first words of stderr are kept, whoever reads it", async () => {
    const source = new PassThrough();
    const { stdout, stderr, readFirstWords } = splitOutput(source);
    source.write(toFrame(1, "out"));
    source.end(toFrame(2, `first ${"y".repeat(5000)}`));
    await Promise.all([text(stdout), text(stderr)]);
    expect(await readFirstWords()).toMatch(/^first y+$/);
    expect(await readFirstWords()).toHaveLength(1024);
  });
});
