import { argv, exit, stderr, stdout } from "node:process";
import packageJson from "../package.json" with { type: "json" };
import { readConfig } from "./config.ts";
import { runProgram } from "./trigger/cli/program.ts";

/** The terminal's entry: picks the command. Everything heavy is loaded by the command that needs it. */
const code = await runProgram(argv.slice(2), {
  terminal: { out: stdout, err: stderr },
  interrupts: process,
  version: packageJson.version,
  readConfig,
  openProduct: async (options) => (await import("./compose.ts")).openProduct(options),
  serve: async (config, options) =>
    (await import("./commands/first-start.ts")).serveWithSetup(config, {
      ...options,
      terminal: { out: stdout, err: stderr },
      interrupts: process,
    }),
  buildImage: async (config, options) => (await import("./commands/image.ts")).buildConfiguredImage(config, options),
  runDemo: async (options) => (await import("./commands/demo.ts")).runDemoCommand(options),
  serveMcp: async (config, options) => (await import("./commands/mcp.ts")).serveMcp(config, options),
  runSetup: async (options) => (await import("./commands/setup.ts")).runSetup(options),
  runDoctor: async (config, options) => (await import("./doctor/doctor.ts")).runDoctor(config, options),
});
exit(code);
