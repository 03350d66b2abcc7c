import { expect, test } from "vitest";
import { post, sendProblem, startGateway, startUpstream } from "./scripted-upstream.ts";

test("a key that looks like nothing special is not told when the model API repeats it", async () => {
  const key = "plain canary words";
  await using upstream = await startUpstream((response) =>
    sendProblem(response, 400, "invalid_request", `Bad key ${key}.`),
  );
  await using gateway = await startGateway(upstream.url, {
    authorization: async () => ({ authorization: `Bearer ${key}` }),
  });
  const answer = await post(gateway.socketPath);
  expect(`${answer.text} ${gateway.failure?.message}`).toContain("Bad key ***");
  expect(`${answer.text} ${gateway.failure?.message}`).not.toContain("canary");
});
