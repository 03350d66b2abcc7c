import { createServer } from "node:http";
import { once } from "node:events";
import { createNodeMiddleware, Probot } from "probot";
import { expect, test } from "vitest";
import { compose } from "../../src/compose.ts";
import { readConfig } from "../../src/config.ts";
import { createReporter } from "../../src/compose/github-reporter.ts";
import { createApp } from "../../src/commands/serve.ts";
import { DONE, openWorld } from "./world.ts";

test("the application works in a Probot host that is not ours", async () => {
  await using world = await openWorld({ script: [{ items: [{ kind: "say", text: `Nothing to do.\n${DONE}` }] }] });
  const config = readConfig({ environment: world.environment, folder: world.runsPath });
  await using product = await compose({ config, role: "serve", createReporter });
  const { id, privateKey, webhookSecret } = world.github.app;
  const probot = new Probot({ appId: id, privateKey, secret: webhookSecret, logLevel: "fatal" });
  const middleware = await createNodeMiddleware(createApp(product), { probot, webhooksPath: "/hook" });
  const host = createServer((request, response) => void middleware(request, response));
  host.listen(0, "127.0.0.1");
  await once(host, "listening");
  const address = host.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;

  const url = `http://127.0.0.1:${port}/hook`;
  const { status, commentId } = await world.github.deliverComment({
    url,
    user: "octocat",
    body: "/codex Check everything",
  });
  expect(status).toBeLessThan(300);
  expect((await world.nextResult()).status).toBe("done");
  expect(await world.reported(commentId)).toBe("rocket");
  host.close();
});
