import { mkdir, writeFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { createDockerEngine } from "../../src/container/docker-engine.ts";
import { findEndpoint } from "../../src/container/find-endpoint.ts";
import { createPathTranslator } from "../../src/container/own-mounts.ts";
import { startContainer } from "../../src/container/start-container.ts";
import { createRunId } from "../../src/run/id.ts";
import { toTestSpec, toWishes } from "./container-fixture.ts";

/** What the orchestrator does when it runs in a container itself: started by own-mounts.docker.test.ts in one. */
const engine = createDockerEngine({ endpoint: findEndpoint({ dockerConfigPath: "/nowhere" }) });
const toEnginePath = createPathTranslator(engine);

const translated: Record<string, string> = {};
for (const path of ["/data/runs/x", "/volume/y", "/etc/hostname", "/tmp/z", "/memory/z"]) {
  translated[path] = await toEnginePath(path).catch((error: Error) => error.message);
}

const runId = createRunId();
const own = { treePath: "", inputPath: "", socketFolderPath: "", sessionsPath: "" };
const paths = { ...own };
for (const name of ["treePath", "inputPath", "socketFolderPath", "sessionsPath"] as const) {
  own[name] = `/data/runs/${name}`;
  await mkdir(own[name]);
  paths[name] = await toEnginePath(own[name]);
}
await writeFile(`${own.inputPath}/word`, "handed over");

const folders = { runId, rootPath: "/data/runs", paths, [Symbol.asyncDispose]: async () => undefined };
await using container = await startContainer(engine, { spec: toTestSpec(folders, { script: "cat /in/word" }) });
const output = Promise.all([text(container.stdout), text(container.stderr)]);
const exit = await container.supervise(toWishes());
const [said, complaint] = await output;
process.stdout.write(`${JSON.stringify({ translated, exit, said, complaint })}\n`);
