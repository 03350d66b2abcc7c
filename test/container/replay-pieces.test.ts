import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { replayPieces } from "../../src/container/replay-pieces.ts";
import { createSource, joinPieces, toSource } from "./output-frames.ts";

describe("a log joined with what comes after it", () => {
  test("what stands in both is given once, stdout and stderr each by itself", async () => {
    const history = createSource();
    history.out("one\ntwo\n");
    history.error("a\nb\n");
    history.out("three\n");
    history.end();
    const live = createSource();
    live.out("wo\nthree\nfo");
    live.error("c\n");
    live.out("ur\n");
    live.end();
    expect(await joinPieces(replayPieces(history.pieces, { live: live.pieces }))).toEqual({
      stdout: "one\ntwo\nthree\nfour\n",
      stderr: "a\nb\nc\n",
    });
  });

  test("what comes later is given as it comes, also when it repeats the log's end", async () => {
    const live = createSource();
    const joined = joinPieces(replayPieces(toSource("again\n").pieces, { live: live.pieces }));
    await sleep(200);
    live.out("again\n");
    live.end();
    expect((await joined).stdout).toBe("again\nagain\n");
  });

  test("an engine that gives what waited with long pauses doubles none of it", async () => {
    const live = createSource();
    const joined = joinPieces(replayPieces(toSource("one\ntwo\nthree\n").pieces, { live: live.pieces }));
    live.out("two\nth");
    await sleep(400);
    live.out("ree\nfour\n");
    live.end();
    expect((await joined).stdout).toBe("one\ntwo\nthree\nfour\n");
  });

  test("nothing is asked of the container before its log was read", async () => {
    const live = createSource();
    live.out("later\n");
    live.end();
    const history = createSource();
    const pieces = replayPieces(history.pieces, { live: live.pieces });
    history.out("earlier\n");
    expect((await pieces.next()).value?.bytes.toString()).toBe("earlier\n");
    history.end();
    expect((await pieces.next()).value?.bytes.toString()).toBe("later\n");
    expect((await pieces.next()).done).toBe(true);
  });

  test("a log that breaks off is an error only where nothing lives on", async () => {
    const broken = () => {
      const history = createSource();
      history.out("half");
      setImmediate(() => history.cut());
      return history.pieces;
    };
    await expect(joinPieces(replayPieces(broken(), { live: null }))).rejects.toThrow("gone");
    expect((await joinPieces(replayPieces(broken(), { live: toSource(" more").pieces }))).stdout).toBe("half more");
  });
});
