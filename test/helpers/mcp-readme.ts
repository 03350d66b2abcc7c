import {
  MCP_CLIENTS,
  toMcpBlock,
  type McpClientName,
  type McpConnection,
} from "../../src/trigger/cli/mcp-client-blocks.ts";
import { clientFiles } from "../../src/trigger/cli/mcp-client-hints.ts";
import { RunResult } from "../../src/run/result.ts";
import { RunAnswer } from "../../src/trigger/mcp/run-answer.ts";
import { tools } from "../../src/trigger/mcp/tools.ts";

const checkout = "/path/to/codex-orchestrator";
const stdio: McpConnection = {
  kind: "stdio",
  command: "/path/to/node",
  args: [`${checkout}/bin/codex-orchestrator.mjs`, "mcp", "--folder", checkout],
  env: { RUNS_PATH: `${checkout}/runs`, WORKSPACE_PATH: `${checkout}/workspace` },
};
const http: McpConnection = { kind: "http", url: "https://codex.example.com/mcp" };

/** What `mcp config` prints for every client, as the README shows it: with paths and a host that stand for the reader's. */
export function toClientBlocks(): string {
  return MCP_CLIENTS.map(toClientBlock).join("\n\n");
}

function toClientBlock(client: McpClientName): string {
  const language = client === "codex" ? "toml" : "json";
  const toFence = (connection: McpConnection): string => `\`\`\`${language}\n${toMcpBlock(client, connection)}\`\`\``;
  const { title, file } = clientFiles[client];
  return [
    `<details><summary>${title}</summary>`,
    `In ${file}. On stdio, \`mcp config ${client}\`:`,
    toFence(stdio),
    `Over HTTP, \`mcp config ${client} --http\`:`,
    toFence(http),
    "</details>",
  ].join("\n\n");
}

/** Every tool, and what is in the answer about a run. */
export function toToolPart(): string {
  return `${toToolTable()}\n\n${toRunFields()}`;
}

/** Every tool with its arguments, those that may be left out in brackets, the first sentence it says of itself, and its result. */
function toToolTable(): string {
  const rows = tools.map(({ name, input, output, description }) => {
    const names = Object.entries(input.shape).map(([key, schema]) => ({
      shown: `\`${key}\``,
      isRequired: !schema.safeParse(undefined).success,
    }));
    const required = names.filter(({ isRequired }) => isRequired).map(({ shown }) => shown);
    const optional = names.filter(({ isRequired }) => !isRequired).map(({ shown }) => shown);
    const shownOptional = optional.length === 0 ? [] : [`[${optional.join(", ")}]`];
    const [does = description] = /^.*?\.(?= |$)/.exec(description) ?? [];
    const takes = [required.join(", "), ...shownOptional].filter((part) => part !== "").join(" ");
    const result = output === RunAnswer ? "a run" : toNames(Object.keys(output.shape));
    return `| \`${name}\` | ${takes} | ${does} | ${result} |`;
  });
  return ["| Tool | Arguments | Does | Result |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

function toRunFields(): string {
  const over = Object.keys(RunResult.shape);
  const always = ["run_id", "status", "repo"];
  const open = Object.keys(RunAnswer.shape).filter((key) => !over.includes(key));
  return [
    `A run that is over is its result document, as in \`result.json\`: ${toNames(over)}.`,
    `One that is not over: ${toNames([...always, ...open])}.`,
  ].join("\n");
}

function toNames(names: string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}
