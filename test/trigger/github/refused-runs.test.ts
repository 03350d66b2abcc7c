import { expect, test } from "vitest";
import { startApp } from "./app-host.ts";

test("who has started too many runs is told so once, until when, and then sees 😕 alone", async () => {
  const freesAt = new Date("2026-11-30T14:04:01Z");
  using host = await startApp({ submit: async () => ({ kind: "too-many", limit: 60, freesAt }) });
  for (const commentId of [1001, 1002]) await host.comment({ commentId });
  expect(host.api.posted()).toHaveLength(1);
  expect(host.api.posted()[0]).toContain(
    "I did not start this. You have started 60 runs within the last hour, and that is the limit (MAX_RUNS_PER_HOUR). " +
      "The next one may start at 2026-11-30 14:05 UTC. Until then, I answer your further commands only with 😕.",
  );
  expect(host.api.reactions()).toEqual(["eyes", "confused", "eyes", "confused"]);
  expect(host.deliveries.open()).toEqual([]);
});

test.each([
  ["repository", "of this repository", "MAX_TOKENS_PER_DAY_PER_REPO"],
  ["person", "of the person who asked", "MAX_TOKENS_PER_DAY_PER_PERSON"],
] as const)(
  "a budget of the %s that is used up refuses with a reply that says which, and until when",
  async (name, whose, variable) => {
    const budget = { name, limit: 200_000, used: 203_456, freesAt: new Date("2026-11-30T14:05:00Z") };
    using host = await startApp({ submit: async () => ({ kind: "spent", budget }) });
    await host.comment({});
    expect(host.api.posted()[0]).toContain(
      `The token budget ${whose} is used up: 203,456 of 200,000 within 24 hours (${variable}). ` +
        `There is some of it again at 2026-11-30 14:05 UTC: ask then, or have the operator raise ${variable}.`,
    );
    expect([host.api.posted().length, host.api.reactions()]).toEqual([1, ["eyes", "confused"]]);
    expect(host.deliveries.open()).toEqual([]);
  },
);
