/**
 * The house, from the entry down to the ground: a room imports only from rooms that stand below its own floor. Rooms of
 * one floor know nothing of each other, unless the floor is `shared`.
 */
const floors: Floor[] = [
  { name: "main", rooms: ["main.ts"], shared: false },
  {
    name: "composition",
    rooms: ["compose.ts", "compose", "commands", "probot-app.ts", "demo", "doctor", "app-setup"],
    shared: true,
  },
  { name: "trigger", rooms: ["trigger/cli", "trigger/github", "trigger/mcp", "web"], shared: false },
  {
    name: "config",
    rooms: ["config.ts", "config"],
    shared: true,
  },
  {
    name: "orchestrator",
    rooms: [
      "orchestrator.ts",
      "orchestrator",
      "repo-commands",
      "repo-settings",
      "set-up",
      "retention",
      "agent",
      "tracing",
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
      "attachment",
      "secret-scan",
    ],
    shared: false,
  },
  {
    name: "edge",
    rooms: ["budget", "git", "logger.ts", "masking", "seal.ts", "steps.ts", "dead-buffers.ts"],
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
  { packages: /^(node:)?child_process$/, rooms: ["git", "image", "demo", "app-setup"] },
  { packages: /^((node:)?sqlite|kysely|pg)$/, rooms: ["store"] },
  { packages: /^pg-boss$/, rooms: ["queue"] },
  { packages: /^probot$/, rooms: ["trigger/github", "commands", "probot-app.ts"] },
  { packages: /^(@octokit\/.*|bottleneck)$/, rooms: ["trigger/github", "publish"] },
  { packages: /^@modelcontextprotocol\/.*/, rooms: ["trigger/mcp"] },
  { packages: /^(hono(\/.*)?|@hono\/.*|diff2html)$/, rooms: ["web"] },
  { packages: /^prom-client$/, rooms: ["web"] },
  { packages: /^@opentelemetry\//, rooms: ["tracing"] },
  { packages: /^pino$/, rooms: ["logger.ts"] },
  { packages: /^commander$/, rooms: ["trigger/cli"] },
  { packages: /^(emulate|openapi-backend)$/, rooms: ["demo"] },
  { packages: /^ajv(\/.*)?$/, rooms: ["answer"] },
  { packages: /^ipaddr\.js$/, rooms: ["gateway"] },
  { packages: /^@secretlint\//, rooms: ["secret-scan"] },
  { packages: /^tar-stream$/, rooms: ["image", "container"] },
];

/**
 * The only files that read the environment: the configuration, and the one that says what git and other programs
 * get of it.
 */
export const environmentReaders = ["src/config.ts", "src/git/git-environment.ts"];
