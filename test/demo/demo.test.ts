import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { writeFile, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { createAppAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/rest";
import { verify } from "@octokit/webhooks-methods";
import { expect, test } from "vitest";
import { type DemoServer, runDemo } from "../../src/demo/demo.ts";
import { git, makeFolder } from "./github/clients.ts";

type Plan = "pull request" | "nothing" | "refused delivery";
type Payload = { comment: { id: number }; issue: { number: number }; installation: { id: number } };
type Environment = Record<string, string>;
type Exchange = { request: IncomingMessage; response: ServerResponse };

/** Something that does on GitHub what the product does, without Docker and Codex. */
async function startImitation(environment: Environment, plan: Plan): Promise<DemoServer> {
  const work: Promise<void>[] = [];
  const receive = async ({ request, response }: Exchange): Promise<void> => {
    const body = await readText(request);
    const signature = String(request.headers["x-hub-signature-256"]);
    const isSigned = await verify(environment["WEBHOOK_SECRET"] ?? "", body, signature);
    const isTaken = isSigned && request.url === "/api/github/webhooks" && plan !== "refused delivery";
    response.writeHead(isTaken ? 202 : 401).end(isTaken ? "" : "no");
    if (isTaken) await answerCommand(environment, { payload: JSON.parse(body) as Payload, plan });
  };
  const server = createServer((request, response) => {
    work.push(receive({ request, response }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await Promise.all(work);
      server.close();
    },
  };
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}

async function answerCommand(
  environment: Environment,
  { payload, plan }: { payload: Payload; plan: Plan },
): Promise<void> {
  const origin = `${environment["GHE_PROTOCOL"]}://${environment["GHE_HOST"]}`;
  const auth = createAppAuth({
    appId: environment["APP_ID"] ?? "",
    privateKey: environment["PRIVATE_KEY"] ?? "",
    request: new Octokit({ baseUrl: `${origin}/api/v3` }).request,
  });
  const { token } = await auth({ type: "installation", installationId: payload.installation.id });
  const { rest } = new Octokit({ baseUrl: `${origin}/api/v3`, auth: token });
  const hello = { owner: "octo-org", repo: "hello" };
  const command = { ...hello, comment_id: payload.comment.id };
  await rest.reactions.createForIssueComment({ ...command, content: "eyes" });
  const { data: comment } = await rest.issues.createComment({
    ...hello,
    issue_number: payload.issue.number,
    body: "⏳ Queued \u001b[31mred",
  });
  if (plan === "pull request") {
    await using folder = await makeFolder();
    await git(folder.path, ["clone", "-q", `${origin}/octo-org/hello.git`, "."]);
    await writeFile(join(folder.path, "email.ts"), "export {};\n");
    await git(folder.path, ["add", "-A"]);
    await git(folder.path, ["commit", "-qm", "Add email"]);
    const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
    await git(folder.path, [
      "-c",
      `http.extraHeader=Authorization: Basic ${basic}`,
      "push",
      "-q",
      "origin",
      "HEAD:refs/heads/codex/email",
    ]);
    await rest.pulls.create({
      ...hello,
      title: "Add an email validator",
      head: "codex/email",
      base: "main",
      body: "Closes #4",
    });
  }
  const run = join(environment["RUNS_PATH"] ?? "", "01890000-0000-7000-8000-000000000000");
  await mkdir(run);
  await writeFile(join(run, "result.json"), "{}");
  await rest.issues.updateComment({ ...hello, comment_id: comment.id, body: "✅ Over." });
  await rest.reactions.createForIssueComment({ ...command, content: plan === "pull request" ? "rocket" : "confused" });
}

async function demo(plan: Plan, style: "plain" | "colour" = "plain") {
  await using folder = await makeFolder();
  const lines: string[] = [];
  let environment: Environment = {};
  const exitCode = await runDemo({
    startServer: async (given) => {
      environment = given;
      return await startImitation(given, plan);
    },
    live: null,
    write: (line) => void lines.push(line),
    folderPath: join(folder.path, "demo"),
    style,
    environment: { CODEX_IMAGE: "an-image" },
  });
  const [kept = ""] = await readdir(join(folder.path, "demo"));
  return { exitCode, text: lines.join("\n"), environment, kept: await readdir(join(folder.path, "demo", kept)) };
}

test("a demo that works ends with the pull request and 0, and keeps its files", async () => {
  const startedAt = performance.now();
  const { exitCode, text, kept } = await demo("pull request");
  expect(exitCode).toBe(0);
  expect(kept.sort()).toEqual(["repositories", "runs", "workspace"]);
  for (const part of [
    /octocat comments on issue #4: \/codex Add an email validator with tests/,
    /\d\.\d s {2}👀 codex-orchestrator\[bot\]/,
    /\d\.\d s {2}💬 ⏳ Queued/,
    /\d\.\d s {2}⬆️ {2}git push codex\/email \([0-9a-f]{8}\)/,
    /\d\.\d s {2}🔀 pull request: Add an email validator/,
    /\d\.\d s {2}💬 ✅ Over\./,
    /── Issue #4: Add an email validator \(open\) ─+/,
    /octocat\n {2}\/codex Add an email validator with tests\n {2}👀 codex-orchestrator\[bot\] {3}🚀 codex-orchestrator\[bot\]/,
    /── Pull request #5: Add an email validator \(open\) ─+/,
    /codex-orchestrator\[bot\] wants to merge codex\/email into main\n1 files?, \+1 -0\n {2}Closes #4/,
    /\+\+\+ b\/email\.ts\n@@ -0,0 \+1 @@\n\+export \{\};/,
    /01890000-0000-7000-8000-000000000000\n +result\.json/,
    /Pull request: http:\/\/127\.0\.0\.1:\d+\/octo-org\/hello\/pull\/5$/,
  ]) {
    expect(text).toMatch(part);
  }
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

test("a demo without a pull request ends with 1 and says so", async () => {
  const { exitCode, text } = await demo("nothing");
  expect(exitCode).toBe(1);
  expect(text).toContain("😕 codex-orchestrator[bot]");
  expect(text).toMatch(/No pull request came out of it \(confused\)\.$/);
});

test("a demo whose webhook is refused ends with 1 at once", async () => {
  const { exitCode, text } = await demo("refused delivery");
  expect(exitCode).toBe(1);
  expect(text).toContain("The server refused the webhook: 401 no");
});

test("the server gets what it needs, and what the caller adds", async () => {
  const { environment } = await demo("nothing");
  expect(environment).toMatchObject({
    GHE_HOST: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    GHE_PROTOCOL: "http",
    OPENAI_BASE_URL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/v1$/),
    OPENAI_API_KEY: "sk-demo-no-real-key",
    PORT: "0",
    CODEX_IMAGE: "an-image",
    PRIVATE_KEY: expect.stringContaining("BEGIN RSA PRIVATE KEY"),
  });
});

test("only a terminal gets colours, and nobody the control characters that others wrote", async () => {
  const plain = await demo("pull request");
  expect(plain.text).not.toContain("\u001b");
  const colourful = await demo("pull request", "colour");
  expect(colourful.text).toContain("\u001b[32m+export {};\u001b[0m");
  expect(colourful.text).not.toContain("\u001b[31mred");
});
