import type { Composition } from "../compose.ts";
import { checkModelConfig } from "../config/requirements.ts";
import type { Config } from "../config.ts";
import type { Repository } from "../run/request.ts";
import type { McpParts } from "../trigger/mcp/call-context.ts";

/** What the tools of MCP need, from the composition; the same over stdio and HTTP. */
export function toMcpParts(product: Composition): McpParts {
  const { config, orchestrator, store, files, isAllowed, github, readSettings, variablesProblem, log } = product;
  return {
    ...{ orchestrator, store, files, isAllowed, readSettings, variablesProblem },
    lookUp: async (repository) => (hasCredentials(config) ? lookUp(repository, github) : "unknown"),
    checkModel: () => {
      const [problem] = checkModelConfig(config);
      return problem === undefined ? null : `${problem.variable} ${problem.problem}.`;
    },
    onError: (error) => log.error({ err: error }, "an MCP call went on badly after its end"),
    settings: {
      webUrl: config.github.webUrl,
      workspacePath: config.paths.workspace,
      defaultTimeoutS: config.timeouts.defaultS,
      maxTimeoutS: config.timeouts.maxS,
      model: config.model.name,
      effort: config.model.effort,
    },
  };
}

function hasCredentials({ github }: Config): boolean {
  return github.app !== null || github.token !== null;
}

/** Only GitHub's own "not found" counts as missing: a run tells better what else is wrong, and tries longer. */
async function lookUp(repository: Repository, github: Composition["github"]): Promise<"there" | "missing" | "unknown"> {
  if (repository.kind !== "github") return "unknown";
  try {
    await github.findTarget(repository);
    return "there";
  } catch (error) {
    return error instanceof Error && "status" in error && error.status === 404 ? "missing" : "unknown";
  }
}
