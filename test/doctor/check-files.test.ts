import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { checkFiles } from "../../src/doctor/check-files.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "files-"));
  mkdirSync(join(folder, "runs"), { mode: 0o750 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Makes the files with these modes, and looks at them. */
function check(modes: { env: number; tokens?: number }) {
  const make = (name: string, mode: number | undefined): void => {
    if (mode === undefined) return;
    writeFileSync(join(folder, name), "");
    chmodSync(join(folder, name), mode);
  };
  make(".env", modes.env);
  make("tokens.json", modes.tokens);
  const environment = { RUNS_PATH: "runs", MCP_TOKENS_FILE: "tokens.json" };
  return checkFiles(readConfig({ environment, folder }));
}

test("files that only their owner can read pass, and are named", async () => {
  const { verdict, detail } = await check({ env: 0o600, tokens: 0o400 });
  expect(verdict).toBe("passed");
  expect(detail).toBe(`${folder}/.env, ${folder}/tokens.json (MCP_TOKENS_FILE): closed to other users`);
});

test("one that the group can read passes with a note; one that it can write fails", async () => {
  expect(await check({ env: 0o640 })).toMatchObject({
    verdict: "passed",
    detail: expect.stringMatching(/the group can read/),
  });
  expect((await check({ env: 0o660 })).verdict).toBe("failed");
});

test.each([0o604, 0o644, 0o602, 0o666])("one of mode %o fails, with all such files in one command", async (mode) => {
  const mend = `chmod 600 ${folder}/.env ${folder}/tokens.json; make new secrets when others may have read them.`;
  expect(await check({ env: mode, tokens: mode })).toMatchObject({ verdict: "failed", mend });
});

test("a RUNS_PATH that others can look into passes with a note", async () => {
  chmodSync(join(folder, "runs"), 0o755);
  const { verdict, detail } = await check({ env: 0o600 });
  expect([verdict, detail]).toEqual(["passed", expect.stringMatching(/RUNS_PATH \(0755\): chmod 750 \S+runs$/)]);
});
