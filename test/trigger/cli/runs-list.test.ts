import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { runProgram } from "../../../src/trigger/cli/program.ts";

test("runs list refuses a status that there is not, names those there are, and opens nothing", async () => {
  const err = new PassThrough();
  const never = (): never => {
    throw new Error("nothing may start");
  };
  const exitCode = await runProgram(["runs", "list", "--status", "finished"], {
    ...{ terminal: { out: new PassThrough(), err }, interrupts: process, version: "0", readConfig: never },
    ...{ openProduct: never, serve: never, buildImage: never, runDemo: never, serveMcp: never },
    ...{ runSetup: never, runDoctor: never },
  });
  expect(exitCode).toBe(2);
  const states = "queued, cloning, running, publishing, done, need_user, error, timeout, cancelled";
  expect(String(err.read())).toContain(`'finished' is invalid. Allowed choices are ${states}.`);
});
