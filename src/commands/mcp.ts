import { once } from "node:events";
import { userInfo } from "node:os";
import process from "node:process";
import { Writable } from "node:stream";
import type { Composition } from "../compose.ts";
import type { Config } from "../config.ts";
import type { McpParts } from "../trigger/mcp/call-context.ts";
import { serveStdio } from "../trigger/mcp/stdio.ts";

/**
 * Serves MCP over this process's own stdin and stdout, until stdin ends or the process is told to stop. What runs then goes
 * on in its containers, and the next process on the same RUNS_PATH takes it over. Resolves with the exit code.
 */
export async function serveMcp(config: Config, { version }: { version: string }): Promise<number> {
  const output = claimStdout();
  const product = createProduct(config);
  const served = serveStdio({
    ...{ input: process.stdin, output, caller: userInfo().username, version },
    loadParts: product.loadParts,
  });
  await Promise.race([served, once(process, "SIGTERM"), once(process, "SIGINT")]);
  await product[Symbol.asyncDispose]();
  return 0;
}

/** Whatever else is printed in this process goes to stderr from now on: stdout is the protocol's alone. */
function claimStdout(): Writable {
  const { stdout, stderr } = process;
  const write = stdout.write.bind(stdout);
  stdout.write = stderr.write.bind(stderr);
  const output = new Writable({
    decodeStrings: false,
    write: (chunk: string, _encoding, done) => void write(chunk, (error) => done(error)),
  });
  stdout.on("error", (error) => output.destroy(error));
  output.on("error", () => {}); // told by the end of the conversation
  return output;
}

/** The product, opened when it is first needed: a client waits for the answer to its first message only for that. */
function createProduct(config: Config): AsyncDisposable & { loadParts: () => Promise<McpParts> } {
  let opening: Promise<Composition> | null = null;
  const open = async (): Promise<Composition> => {
    const [{ compose }, { createReporter }] = await Promise.all([
      import("../compose.ts"),
      import("../compose/github-reporter.ts"),
    ]);
    const product = await compose({ config, role: "mcp", createReporter });
    await product.orchestrator.start();
    return product;
  };
  return {
    loadParts: async () => {
      opening ??= open();
      opening.catch(() => (opening = null));
      const { toMcpParts } = await import("../compose/mcp-parts.ts");
      return toMcpParts(await opening);
    },
    [Symbol.asyncDispose]: async () => {
      await (await opening?.catch(() => null))?.[Symbol.asyncDispose]();
    },
  };
}
