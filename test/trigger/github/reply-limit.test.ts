import { expect, test } from "vitest";
import { createReplyLimit } from "../../../src/trigger/github/reply-limit.ts";
import { startApp } from "./app-host.ts";
import { allow } from "./github-api.ts";

test("of a thread's mistakes the first eight within an hour get words, and the eighth that they are the last", () => {
  let nowMs = 0;
  const limit = createReplyLimit(() => nowMs);
  const take = () => limit.take("1/42", "mistake");
  expect(Array.from({ length: 9 }, take)).toEqual([
    ...Array.from({ length: 7 }, () => "words"),
    "last-words",
    "nothing",
  ]);
  expect(limit.take("1/43", "mistake")).toBe("words");
  expect(limit.take("1/42", "answer")).toBe("words");
  nowMs = 3_600_000;
  expect(take()).toBe("words");
});

test("what is not said counts for nothing, so an hour later there are words again", () => {
  let nowMs = 0;
  const limit = createReplyLimit(() => nowMs);
  for (; nowMs < 3_000_000; nowMs += 1000) limit.take("1/42", "mistake");
  nowMs = 4_000_000;
  expect(limit.take("1/42", "mistake")).toBe("words");
});

test("after eight mistakes in one thread only the reaction comes, whoever makes them; commands work as before", async () => {
  using host = await startApp();
  host.api.permissions["wendy"] = allow(99, "write");
  const wendy = { id: 99, login: "wendy", type: "User" };
  for (let id = 1; id <= 12; id++)
    await host.comment({ body: "/codex --bad x", commentId: id, ...(id % 2 ? { user: wendy } : {}) });
  expect(host.api.posted()).toHaveLength(8);
  expect(host.api.posted()[7]).toContain("For an hour I answer further mistakes in this thread only with 😕.");
  expect(host.api.reactions()).toEqual(Array.from({ length: 12 }, () => "confused"));
  await host.comment({ body: "/codex do it", commentId: 30 });
  await host.comment({ body: "/codex help", commentId: 31 });
  expect(host.runs).toHaveLength(1);
  expect(host.api.posted()).toHaveLength(9);
});

test("answers that are no mistakes are sixty an hour, so that nobody is answered for ever", () => {
  const limit = createReplyLimit(() => 0);
  const said = Array.from({ length: 70 }, () => limit.take("1/42", "answer"));
  expect(said.filter((say) => say === "words")).toHaveLength(59);
  expect(said.slice(58, 61)).toEqual(["words", "last-words", "nothing"]);
});
