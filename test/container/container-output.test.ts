import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { openOutput } from "../../src/container/container-output.ts";
import { createSource, endsWithin, toSource } from "./output-frames.ts";

const running = { container: "running" } as const;
const ended = { container: "ended" } as const;

describe("the output of a running container", () => {
  test("ends after the last byte, once the container's end is known", async () => {
    const output = openOutput(toSource("all"), running);
    output.stderr.resume();
    const reading = text(output.stdout);
    expect(await endsWithin(output.stdout, 50)).toBe(false);
    output.finish();
    expect(await reading).toBe("all");
  });

  test("goes on where a connection was cut: what was given before is left out", async () => {
    const first = createSource();
    const output = openOutput(first, running);
    const reading = Promise.all([text(output.stdout), text(output.stderr)]);
    first.out("one\ntw");
    first.error("a");
    setImmediate(() => first.cut());
    await sleep(20);
    const second = createSource();
    output.continueWith(second);
    second.out("one\n");
    second.error("ab");
    second.out("two\nthree\n");
    setImmediate(() => second.cut());
    await sleep(20);
    output.continueWith(toSource("one\ntwo\nthree\n", "four\n"));
    output.finish();
    expect(await reading).toEqual(["one\ntwo\nthree\nfour\n", "ab"]);
  });

  test("is not taken from the engine while the reader does not read", async () => {
    let taken = 0;
    const pieces = async function* () {
      for (; taken < 1_000; taken += 1) yield { stream: "stdout", bytes: Buffer.alloc(16 * 1024) } as const;
    };
    const output = openOutput({ pieces: pieces(), close: () => undefined }, running);
    await sleep(50);
    expect(taken).toBeLessThan(20);
    output.stdout.resume();
    output.stderr.resume();
    output.finish();
  });

  test("a reader of one stream that goes away does not hold the other up", async () => {
    const source = createSource();
    const output = openOutput(source, running);
    output.stdout.destroy();
    source.out("x".repeat(1_000_000));
    source.error("still here");
    source.end();
    output.finish();
    expect(await text(output.stderr)).toBe("still here");
  });

  test("the first words of stderr are kept, whoever reads it", async () => {
    const source = createSource();
    const { stdout, stderr, readFirstWords, finish } = openOutput(source, running);
    source.out("out");
    source.error(`first ${"y".repeat(5000)}`);
    source.end();
    finish();
    await Promise.all([text(stdout), text(stderr)]);
    expect(await readFirstWords()).toMatch(/^first y+$/);
    expect(await readFirstWords()).toHaveLength(1024);
  });

  test("a connection that nothing comes from does not hold the end up for ever", async () => {
    const silent = createSource();
    const output = openOutput(silent, { ...running, quietMs: 200 });
    output.stderr.resume();
    silent.out("so far");
    output.finish();
    expect(await text(output.stdout)).toBe("so far");
  });
});

describe("the output of a container that has ended", () => {
  test("ends with its connection", async () => {
    const output = openOutput(toSource("all"), ended);
    output.stderr.resume();
    expect(await text(output.stdout)).toBe("all");
  });

  test("fails when its connection is cut, so that nobody takes a part for the whole", async () => {
    const source = createSource();
    const output = openOutput(source, ended);
    output.stderr.on("error", () => undefined);
    source.out("half");
    setImmediate(() => source.cut());
    await expect(text(output.stdout)).rejects.toThrow("gone");
  });
});
