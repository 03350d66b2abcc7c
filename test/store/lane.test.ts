import { expect, test } from "vitest";
import { toLane } from "../../src/store/lane.ts";
import { createRequest } from "../helpers/requests.ts";

const resume = {
  run_id: createRequest().run_id,
  thread_id: "0193e3c8-1111-7000-8000-000000000000",
  changes: "kept",
  base_ref: "main",
  base_sha: "a".repeat(40),
} as const;

test("runs that go on with one Codex thread share a lane, from wherever they were asked for", () => {
  const lane = toLane(createRequest({ resume }));
  expect(lane).toBe(`octo-org/hello#codex-thread/${resume.thread_id}`);
  expect(toLane(createRequest({ resume, thread: null }))).toBe(lane);
});

test("a run that goes on with a pushed branch shares the lane of that branch", () => {
  const branch = "codex/42-x";
  const lane = toLane(createRequest({ base: branch, branch, resume: { ...resume, changes: "pushed" } }));
  expect(lane).toBe(toLane(createRequest({ branch })));
});

test("a run that only asks shares no lane, also when it goes on with a thread", () => {
  expect(toLane(createRequest({ mode: "ask", resume }))).toBeNull();
});
