import { Command, CommanderError, Option } from "commander";
import type { Config } from "../../config.ts";
import { cancelFromTerminal } from "./cancel-command.ts";
import { FinalStatus, LiveState } from "../../run/state.ts";
import { addMcpConfig } from "./mcp-config-command.ts";
import { toMcpFolder } from "./mcp-folder.ts";
import { addMcpToken } from "./mcp-token-command.ts";
import type { OpenProduct, Product, Terminal } from "./product.ts";
import { USAGE_EXIT, UsageError } from "./product.ts";
import { addPrune, pruneFromTerminal } from "./prune-command.ts";
import { retryFromTerminal, runFromTerminal, type RunFlags } from "./run-command.ts";
import { addSetup, type SetupFlags } from "./setup-command.ts";
import { listRuns, printRunFile, publishRun, showRun } from "./runs-commands.ts";

/** What the commands need from outside. Each action loads what it needs on its own, so that `--help` is instant. */
export type ProgramOptions = {
  terminal: Terminal;
  interrupts: NodeJS.EventEmitter;
  version: string;
  /** Reads the configuration, from the `.env` of the current folder unless another is given; throws `ConfigError`. */
  readConfig: (options?: { folder: string }) => Config;
  openProduct: OpenProduct;
  /** Runs until it is told to stop. `drain`: it then waits for what goes on instead of leaving it. */
  serve: (config: Config, options: ServeOptions) => Promise<number>;
  buildImage: (config: Config, options: { write: (line: string) => void }) => Promise<void>;
  runDemo: (options: { live: boolean; terminal: Terminal }) => Promise<number>;
  /** Speaks MCP over stdin and stdout until stdin ends. */
  serveMcp: (config: Config, options: { version: string }) => Promise<number>;
  runDoctor: (
    config: Config,
    options: { names: readonly string[]; json: boolean; terminal: Terminal },
  ) => Promise<number>;
  /** Makes the GitHub App; reads what it needs of the configuration itself, since most of it is still to come. */
  runSetup: (options: SetUpOptions) => Promise<number>;
};

const STATES = [...LiveState.options, ...FinalStatus.options];

type SetUpOptions = { flags: SetupFlags; terminal: Terminal; interrupts: NodeJS.EventEmitter };

export type ServeOptions = { role: "serve" | "worker"; atEnd: "leave" | "drain" };

/** Runs one command line. Resolves with the exit code; never rejects for bad usage or a failed run. */
export async function runProgram(argv: readonly string[], options: ProgramOptions): Promise<number> {
  const exit = { code: 0 };
  const program = createProgram({ ...options, exit });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exit.code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_EXIT;
    return reportError(error, options.terminal);
  }
}

/** One sentence for what people can mend; a stack trace only for defects. */
function reportError(error: unknown, { err }: Terminal): number {
  if (error instanceof UsageError || (error instanceof Error && error.name === "ConfigError")) {
    err.write(`${error.message}\n`);
    return USAGE_EXIT;
  }
  if (error instanceof Error && error.name === "RunError" && "failure" in error) {
    const hint =
      typeof error.failure === "object" && error.failure !== null && "hint" in error.failure
        ? ` ${String(error.failure.hint)}`
        : "";
    err.write(`${error.message}${hint}\n`);
    return 1;
  }
  err.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 1;
}

type Exit = { code: number };
type Joined = ProgramOptions & { exit: Exit };

function createProgram(options: Joined): Command {
  const { terminal, version } = options;
  const program = new Command("codex-orchestrator")
    .description(
      "Turns a /codex comment, an MCP call or a command into a pull request made by the Codex CLI in a container.",
    )
    .version(version)
    .configureOutput({
      writeOut: (text) => void terminal.out.write(text),
      writeErr: (text) => void terminal.err.write(text),
    })
    .showHelpAfterError("(add --help to see what is possible)")
    .exitOverride();
  addServe(program, options);
  addRun(program, options);
  addRuns(program, options);
  addUpkeep(program, options);
  addSetup(program, {
    runSetup: async (flags) =>
      void (options.exit.code = await options.runSetup({ flags, terminal, interrupts: options.interrupts })),
  });
  addMcp(program, options);
  return program;
}

function addServe(program: Command, { readConfig, serve, exit }: Joined): void {
  const commands = {
    serve: "Take webhooks and execute the runs they ask for, in one process.",
    worker: "Only execute runs from the queue that several machines share (needs DATABASE_URL).",
  } as const;
  for (const role of ["serve", "worker"] as const) {
    program
      .command(role)
      .description(commands[role])
      .option("--drain", "when told to stop, wait for the runs that go on instead of leaving them to the next start")
      .action(async ({ drain }: { drain?: boolean }) => {
        exit.code = await serve(readConfig(), { role, atEnd: drain === true ? "drain" : "leave" });
      });
  }
}

function addRun(program: Command, { readConfig, openProduct, terminal, interrupts, exit }: Joined): void {
  program
    .command("run")
    .description(
      "One run: progress on stderr, the result on stdout. Exit code: 0 done, 1 error, 2 bad usage, 3 need_user, 4 timeout, 5 cancelled.",
    )
    .argument("<prompt>", "what Codex should do")
    .option("--repo <repository>", "owner/name, an https URL, or a path (default: the current folder)")
    .option("--mode <mode>", "full-auto, suggest or ask (default: what the repository's settings say, else full-auto)")
    .option("--base <branch>", "branch to start from (default: the repository's default branch)")
    .option("--branch <branch>", "branch to make (for a local repository: only made when this is given)")
    .option("--model <model>", "model to use (default: CODEX_MODEL, else Codex's own)")
    .option("--effort <effort>", "low, medium, high or xhigh")
    .option("--timeout <time>", "seconds, or 90s, 10m, 1h (default: DEFAULT_TIMEOUT)")
    .option("--dir <folder>", "folder inside the repository to work in")
    .option("--draft", "open the pull request as a draft")
    .option("--no-draft", "open the pull request ready for review")
    .option("--allow-protected", "publish changes to protected files too")
    .option("--json", "print the result document")
    .action(async (prompt: string, flags: RunFlags) => {
      exit.code = await runFromTerminal(prompt, { flags, config: readConfig(), openProduct, terminal, interrupts });
    });
}

function addRuns(program: Command, { readConfig, openProduct, terminal, interrupts, exit }: Joined): void {
  const runs = program
    .command("runs")
    .description("Look at the runs on record, cancel them, and publish what they kept.");
  const withProduct = async (body: (product: Product) => Promise<void> | void): Promise<void> => {
    await using product = await openProduct({ config: readConfig(), reporter: null, role: "look" });
    await body(product);
  };
  runs
    .command("list")
    .description("Runs on record, newest first.")
    .option("--limit <number>", "how many", toLimit, 50)
    .option("--repo <owner/name>", "only runs of this repository")
    .addOption(new Option("--status <status>", "only runs with this state or status").choices(STATES))
    .option("--json", "print JSON")
    .action((flags: { limit: number; repo?: string; status?: string; json?: boolean }) =>
      withProduct((product) => listRuns(product, { flags, terminal })),
    );
  runs
    .command("show")
    .description("One run: its result, or where it stands.")
    .argument("<run>", "the run's id")
    .option("--json", "print the result document")
    .action((id: string, flags: { json?: boolean }) =>
      withProduct((product) => showRun(product, { id, flags, terminal })),
    );
  runs
    .command("log")
    .description("The whole log of a run.")
    .argument("<run>", "the run's id")
    .option("--json", "print JSON")
    .action((id: string, flags: { json?: boolean }) =>
      withProduct((product) => printRunFile(product, { id, artifact: "log", flags, terminal })),
    );
  runs
    .command("diff")
    .description("The patch of a run; `git apply` takes it.")
    .argument("<run>", "the run's id")
    .option("--json", "print JSON")
    .action((id: string, flags: { json?: boolean }) =>
      withProduct((product) => printRunFile(product, { id, artifact: "diff", flags, terminal })),
    );
  runs
    .command("cancel")
    .description("End a run, wherever it is and whoever executes it.")
    .argument("<run>", "the run's id")
    .option("--json", "print the result document")
    .action((id: string, flags: { json?: boolean }) =>
      withProduct((product) => cancelFromTerminal(product, { id, flags, terminal })),
    );
  runs
    .command("retry")
    .description("Ask for the same again: a new run, here and now. Exit code as that of `run`.")
    .argument("<run>", "the run's id")
    .option("--json", "print the result document")
    .action(async (id: string, flags: { json?: boolean }) => {
      exit.code = await retryFromTerminal(id, { flags, config: readConfig(), openProduct, terminal, interrupts });
    });
  runs
    .command("publish")
    .description("Push what a run kept and open the pull request, without running the model again.")
    .argument("<run>", "the run's id")
    .option("--allow-protected", "publish changes to protected files too")
    .option("--json", "print the result document")
    .action((id: string, flags: { allowProtected?: boolean; json?: boolean }) =>
      withProduct((product) => publishRun(product, { id, flags, terminal })),
    );
  addPrune(runs, {
    prune: (flags) =>
      withProduct(async (product) => void (exit.code = await pruneFromTerminal(product, { flags, terminal }))),
  });
}

function addUpkeep(program: Command, { readConfig, buildImage, runDemo, runDoctor, terminal, exit }: Joined): void {
  const image = program.command("image").description("The image that agents run in.");
  image
    .command("build")
    .description("Build the runner image, from a container registry or without one.")
    .action(async () => buildImage(readConfig(), { write: (line) => void terminal.err.write(`${line}\n`) }));
  program
    .command("doctor")
    .description("Prove each step a run needs, and say how to mend what fails. Exit code 1 when something does.")
    .argument("[checks...]", "only these, by the names in the report, and what they need")
    .option("--json", "print the report as JSON")
    .action(async (names: string[], { json }: { json?: boolean }) => {
      exit.code = await runDoctor(readConfig(), { names, json: json === true, terminal });
    });
  program
    .command("demo")
    .description(
      "The whole job on this machine without any account: a stand-in GitHub and a scripted model; git, Docker and Codex are real.",
    )
    .option("--live", "ask the real model, with OPENAI_API_KEY")
    .action(async ({ live }: { live?: boolean }) => {
      exit.code = await runDemo({ live: live === true, terminal });
    });
}

function addMcp(program: Command, { readConfig, serveMcp, version, exit, terminal }: Joined): void {
  const mcp = program
    .command("mcp")
    .description("Speak MCP over stdin and stdout; nothing but protocol is written to stdout.")
    .option("--folder <folder>", "read the .env there, and begin relative paths there (default: the current folder)")
    .action(async ({ folder }: { folder?: string }) => {
      const config = folder === undefined ? readConfig() : readConfig({ folder: toMcpFolder(folder) });
      exit.code = await serveMcp(config, { version });
    });
  addMcpToken(mcp, { terminal });
  addMcpConfig(mcp, { terminal, readConfig });
}

function toLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
    throw new UsageError("--limit must be a whole number from 1 to 10000.");
  return limit;
}
