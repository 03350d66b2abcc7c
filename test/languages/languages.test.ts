import { afterAll, beforeAll, expect, test } from "vitest";
import { makeRunnerParts } from "../../src/container/runner-parts.ts";
import { image as standard } from "../container/container-fixture.ts";
import { SetupLab } from "../repo-commands/setup-lab.ts";
import { Lab } from "../workspace/lab.ts";
import { makeLanguageImage } from "./language-image.ts";
import { toGoRepository, toJavaRepository, toNodeRepository, toPythonRepository } from "./repositories.ts";

let lab: SetupLab;
let remotes: Lab;
let withLanguages = "";
const lines: string[] = [];
beforeAll(async () => {
  remotes = new Lab();
  lab = await SetupLab.open();
  withLanguages = await makeLanguageImage(lab.engine);
  await makeRunnerParts(lab.engine, { image: standard });
});
afterAll(async () => {
  console.log(`set-up:\n${lines.join("\n")}`);
  await lab[Symbol.asyncDispose]();
  await remotes[Symbol.asyncDispose]();
});

const toSeconds = (ms: number): string => (ms / 1000).toFixed(2).padStart(7);

test.each([toNodeRepository({ files: 10_000 }), toPythonRepository(), toGoRepository(), toJavaRepository()])(
  "$language: tests run without network on what set-up made, and the second run has it in under half a second",
  async ({ language, files, setup, verify, passed }) => {
    const url = remotes.createRemote(files, { name: language });
    const image = language === "Node" ? standard : withLanguages;
    const took: number[] = [];
    for (const made of ["[setup] kept for later runs", "[setup] reused"]) {
      const run = await lab.run({ url, setup, image });
      const { end, log } = await run.look([...verify, "ls /sys/class/net"]);
      expect({ end, log }).toEqual({ end: { kind: "passed" }, log: expect.stringMatching(passed) });
      expect(log).toMatch(/\nlo\n$/);
      expect(await run.log()).toContain(made);
      expect((await run.collect()).changes).toEqual([]);
      took.push(run.setupMs);
      await run.end();
    }
    lines.push(`${language.padEnd(8)} first ${toSeconds(took[0] ?? NaN)} s, second ${toSeconds(took[1] ?? NaN)} s`);
    expect(took[1]).toBeLessThan(500);
  },
);
