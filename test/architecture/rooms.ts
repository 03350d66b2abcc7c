/**
 * The house, from the entry down to the ground: a room imports only from rooms that stand below its own floor. Rooms of
 * one floor know nothing of each other, unless the floor is `shared`.
 */
const floors: Floor[] = [
  { name: "main", rooms: ["main.ts"], shared: false },
  {
    name: "composition",
    rooms: [
      "compose.ts",
      "model-settings.ts",
      "settings.ts",
      "stages.ts",
      "github-reporter.ts",
      "pause.ts",
      "publish-kept-run.ts",
      "remains.ts",
      "chores.ts",
      "serve.ts",
      "probot-app.ts",
      "demo-command.ts",
      "image-command.ts",
      "mcp-command.ts",
      "mcp-parts.ts",
      "mcp-route.ts",
      "demo",
      "doctor",
    ],
    shared: true,
  },
  { name: "trigger", rooms: ["trigger/cli", "trigger/github", "trigger/mcp", "web"], shared: false },
  { name: "config", rooms: ["config.ts", "environment.ts", "environment-example.ts"], shared: true },
  {
    name: "orchestrator",
    rooms: [
      "orchestrator.ts",
      "carry-out-run.ts",
      "execute-run.ts",
      "finish-run.ts",
      "journal.ts",
      "run-files.ts",
      "run-threads.ts",
      "run-life.ts",
      "run-reporter.ts",
      "run-progress.ts",
      "parse-repository.ts",
      "cancel-run.ts",
      "tell-queue.ts",
      "publish-run.ts",
      "restore-publication.ts",
      "agent",
    ],
    shared: true,
  },
  {
    name: "stage",
    rooms: [
      "workspace",
      "container",
      "gateway",
      "codex",
      "publish",
      "store",
      "queue",
      "image",
      "login",
      "access",
      "answer",
    ],
    shared: false,
  },
  {
    name: "edge",
    rooms: ["git", "logger.ts", "mask.ts", "run-mask.ts", "seal.ts", "steps.ts", "dead-buffers.ts"],
    shared: true,
  },
  { name: "ground", rooms: ["run", "text"], shared: false },
];

type Floor = { name: string; rooms: string[]; shared: boolean };

export type Room = {
  name: string;
  floor: string;
  /** 0 is the top. */
  level: number;
  /** Whether rooms of this floor may import each other. */
  shared: boolean;
};

/** The room that a file under `src/` lives in, or null when the house has no such room. */
export function findRoom(path: string): Room | null {
  const inside = path.replace(/^src\//, "");
  for (const [level, { name: floor, rooms, shared }] of floors.entries()) {
    const name = rooms.find((room) => inside === room || inside.startsWith(`${room}/`));
    if (name !== undefined) return { name, floor, level, shared };
  }
  return null;
}

/** The rooms that may import a package; a package that is not named here may be imported anywhere. */
export const packageRooms: { packages: RegExp; rooms: string[] }[] = [
  { packages: /^dockerode$/, rooms: ["container"] },
  { packages: /^simple-git$/, rooms: ["git"] },
  { packages: /^(node:)?child_process$/, rooms: ["git", "image", "demo"] },
  { packages: /^((node:)?sqlite|kysely|pg)$/, rooms: ["store"] },
  { packages: /^pg-boss$/, rooms: ["queue"] },
  { packages: /^probot$/, rooms: ["trigger/github", "serve.ts", "probot-app.ts"] },
  { packages: /^(@octokit\/.*|bottleneck)$/, rooms: ["trigger/github", "publish"] },
  { packages: /^@modelcontextprotocol\/.*/, rooms: ["trigger/mcp"] },
  { packages: /^pino$/, rooms: ["logger.ts"] },
  { packages: /^commander$/, rooms: ["trigger/cli"] },
  { packages: /^(emulate|openapi-backend)$/, rooms: ["demo"] },
  { packages: /^ajv(\/.*)?$/, rooms: ["answer"] },
  { packages: /^tar-stream$/, rooms: ["image", "container"] },
];

/**
 * The only files that read the environment: the configuration, and the one that gives git's children PATH and nothing
 * else of it.
 */
export const environmentReaders = ["src/config.ts", "src/git/git-environment.ts"];
