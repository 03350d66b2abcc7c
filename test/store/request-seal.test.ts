import { copyFileSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Checkpoint } from "../../src/run/checkpoint.ts";
import { createClaimStore } from "../../src/store/claims.ts";
import { createRequestSeal } from "../../src/store/request-seal.ts";
import { createRunStore } from "../../src/store/runs.ts";
import { makeSealKey } from "../../src/store/seal-key.ts";
import { createRequest } from "../helpers/requests.ts";
import { createResult } from "../helpers/results.ts";
import { describeBoth, noLimits, self } from "./lab.ts";

const shared = createRequestSeal({ kind: "shared", keyMaterial: "the key of all machines" });
const variables = { MY_API_TOKEN: "top-secret-value", MODE: "fast" };
const preparing: Checkpoint = {
  ...{ step: "preparing", attempt: 1, losses: 0, startedAt: "2026-01-02T03:04:05.000Z" },
  timings: { queued: 1, cloning: null, running: null, publishing: null },
};
const options = { deliveryId: null, home: null, maxQueued: 10 };

describeBoth("the values of a run's variables", (lab) => {
  const dump = async (): Promise<string> =>
    JSON.stringify((await sql`SELECT * FROM runs`.execute(lab().database.kysely)).rows);
  const open = (seal = shared) => ({
    runs: createRunStore(lab().database, { seal }),
    claims: createClaimStore(lab().database, { process: self, seal }),
  });

  test("stand in no column, and only who takes the run gets them", async () => {
    const { runs, claims } = open();
    const request = createRequest({ env_vars: variables, prompt: "Use top-secret-value." });
    await runs.add(request, options);
    expect(await dump()).not.toMatch(/top-secret|fast/);
    expect(await runs.request(request.run_id)).toMatchObject({
      ...{ prompt: "Use ***.", env_vars: { MY_API_TOKEN: "***", MODE: "***" } },
    });
    const claimed = await claims.claimNext({ scope: "all", limits: noLimits });
    expect(claimed).toMatchObject({ request, variables: "known" });
  });

  test("are there again after a run was given back, and are gone once it is closed", async () => {
    const { runs, claims } = open();
    const request = createRequest({ env_vars: variables });
    await runs.add(request, options);
    await (await claims.claimNext({ scope: "all", limits: noLimits }))?.writer.release();
    const again = await claims.claimNext({ scope: "all", limits: noLimits });
    expect(again?.request.env_vars).toEqual(variables);
    await again?.writer.finish(createResult(request));
    expect(await dump()).toMatch(/"sealed_request":"v1\./);
    await again?.writer.close();
    expect(await dump()).toMatch(/"sealed_request":null/);
    expect((await runs.request(request.run_id))?.env_vars).toEqual({ MY_API_TOKEN: "***", MODE: "***" });
  });

  test("are lost, and said to be, with another key or none", async () => {
    const request = createRequest({ env_vars: variables });
    await open().runs.add(request, options);
    const other = open(createRequestSeal({ kind: "shared", keyMaterial: "another key" })).claims;
    const claimed = await other.claimNext({ scope: "all", limits: noLimits });
    expect(claimed).toMatchObject({ variables: "lost", request: { env_vars: { MY_API_TOKEN: "***", MODE: "***" } } });
    await claimed?.writer.release();
    const none = open(createRequestSeal({ kind: "none" })).claims;
    expect(await none.claimNext({ scope: "all", limits: noLimits })).toMatchObject({ variables: "lost" });
  });

  test("that cannot be read just now do not leave the run hanging: it is taken again, after what else was left", async () => {
    const locked = createRequest({ env_vars: variables });
    let isReadable = false;
    const { runs, claims } = open({
      ...shared,
      open: async (shown, sealed) => {
        if (!isReadable) throw new Error("too many open files");
        return shared.open(shown, sealed);
      },
    });
    await runs.add(locked, options);
    await expect(claims.claimNext({ scope: "all", limits: noLimits })).rejects.toThrow("too many open files");
    const other = await lab().add({ repo: "other" });
    const { writer } = (await claims.claimNext({ scope: "all", limits: noLimits })) ?? {};
    await writer?.setCheckpoint(preparing);
    await writer?.release();
    expect(await claims.claimAbandoned({ scope: "all" })).toMatchObject({ request: other });
    expect(await claims.claimAbandoned({ scope: "all" })).toBeNull();
    await expect(claims.claimAbandoned({ scope: "all" })).rejects.toThrow("too many open files");
    expect(await claims.claimAbandoned({ scope: "all" })).toBeNull();
    isReadable = true;
    expect(await claims.claimAbandoned({ scope: "all" })).toMatchObject({ request: locked, variables: "known" });
  });

  test("of one run do not open those of another", async () => {
    const [one, other] = [createRequest({ env_vars: variables }), createRequest({ env_vars: variables })];
    const sealed = (await shared.close(one)) ?? "";
    expect(await shared.open(other, sealed)).toBeNull();
  });

  test("are refused where nothing can seal them; a run without variables needs no key", async () => {
    const seal = createRequestSeal({ kind: "none" });
    expect([seal.problem, shared.problem]).toEqual([expect.stringContaining("PRIVATE_KEY"), null]);
    const { runs } = open(seal);
    await expect(runs.add(createRequest({ env_vars: variables }), options)).rejects.toThrow(/PRIVATE_KEY/);
    expect(await runs.add(createRequest(), options)).toEqual({ kind: "new" });
  });
});

describe("the key of one machine", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "seal-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test("is made when it is first needed, for its owner alone, and used from then on", async () => {
    const path = join(folder, "seal.key");
    const seal = createRequestSeal({ kind: "file", path });
    expect(await seal.close(createRequest())).toBeNull();
    expect(readdirSync(folder)).toEqual([]);
    const request = createRequest({ env_vars: variables });
    const sealed = (await seal.close(request)) ?? "";
    expect([readdirSync(folder), statSync(path).mode & 0o777]).toEqual([["seal.key"], 0o600]);
    expect(await createRequestSeal({ kind: "file", path }).open(request, sealed)).toEqual(request);
    writeFileSync(path, "another");
    expect(await seal.open(request, sealed)).toBeNull();
    rmSync(path);
    expect(await seal.open(request, sealed)).toBeNull();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("opens from a backup what it sealed, on another machine", async () => {
    const path = join(folder, "seal.key");
    const request = createRequest({ env_vars: variables });
    const sealed = (await createRequestSeal({ kind: "file", path }).close(request)) ?? "";
    const restored = join(folder, "restored.key");
    copyFileSync(path, restored);
    rmSync(path);
    expect(await createRequestSeal({ kind: "file", path: restored }).open(request, sealed)).toEqual(request);
  });

  test("is one, however many make it at once", async () => {
    const path = join(folder, "seal.key");
    const keys = await Promise.all(Array.from({ length: 20 }, () => makeSealKey(path)));
    expect([new Set(keys).size, keys[0]?.length, readdirSync(folder)]).toEqual([1, 43, ["seal.key"]]);
  });
});
