import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { bindStages } from "../../src/compose/stages.ts";
import { createModelFilter } from "../../src/gateway/allowed-model.ts";
import { createMask } from "../../src/masking/mask.ts";
import type { Stages } from "../../src/orchestrator/run-stages.ts";
import { RunError } from "../../src/run/failure.ts";
import type { RunRequest } from "../../src/run/request.ts";
import { createImageFilter } from "../../src/repo-settings/allowed-image.ts";
import { makeStateFolders, toStatePaths } from "../../src/store/paths.ts";
import { createRequest } from "../helpers/requests.ts";

type Bound = Parameters<typeof bindStages>[1];

/** The stages of a run on a machine where no run may begin now: its disk is full, and one model is allowed. */
async function bindWhereNoneMayBegin(request: RunRequest): Promise<Stages> {
  const folder = await mkdtemp(join(tmpdir(), "stages-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const paths = toStatePaths(folder);
  await makeStateFolders(paths);
  const never = new AbortController().signal;
  const parts: Partial<Record<keyof Bound, unknown>> = {
    ...{ paths, mask: createMask(), engine: {}, watch: { signals: { cancel: never, detach: never } } },
    settings: { image: "runner", model: { isAllowed: createModelFilter(["allowed"]) } },
    isImageAllowed: createImageFilter({ globs: null, standard: "runner" }),
    budgetOf: () => null,
    demandRoom: () => Promise.reject(new RunError("disk-full", "Nothing was begun: the disk is full.")),
  };
  return bindStages(request, parts as Bound);
}

test("a run does not begin where the disk is full", async () => {
  const request = createRequest();
  const stages = await bindWhereNoneMayBegin(request);
  await expect(stages.openWorkspace(request, { contents: "kept" })).rejects.toMatchObject({
    failure: { reason: "disk-full" },
  });
});

test("nor with a model that is not allowed", async () => {
  const request = createRequest({ model: "other" });
  const stages = await bindWhereNoneMayBegin(request);
  await expect(stages.openWorkspace(request, { contents: "kept" })).rejects.toMatchObject({
    failure: { reason: "model-unavailable" },
  });
});

test.each([{}, { model: "other" }, { rules: { ...createRequest().rules, image: "other" } }])(
  "but where an agent worked already, it goes on there whatever would keep a run from beginning now: %j",
  async (has) => {
    const request = createRequest(has);
    const stages = await bindWhereNoneMayBegin(request);
    await using workspace = await stages.openWorkspace(request, { contents: "worked-in" });
    expect(workspace.runId).toBe(request.run_id);
  },
);
