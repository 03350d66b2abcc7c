import type { HttpBindings } from "@hono/node-server";
import type { Hono } from "hono";
import type { RunFilesEverywhere } from "../../orchestrator/run-files.ts";
import type { Acceptance } from "../../orchestrator.ts";
import type { RunId } from "../../run/id.ts";
import type { RunRequest } from "../../run/request.ts";
import type { RunStore } from "../../store/runs.ts";
import type { RunKeys } from "./run-keys.ts";
import type { Sessions } from "./sessions.ts";

/** The pages as an application of Node's own server. */
export type PagesApp = Hono<{ Bindings: HttpBindings }>;

/** What the pages need of the product. */
export type PagesOptions = {
  store: Pick<RunStore, "find" | "findState" | "isOver" | "list" | "readQueue" | "readTotals" | "request">;
  files: Pick<RunFilesEverywhere, "readPage" | "readColours" | "readPieces" | "size">;
  /** How many runs may be executed at once: `total` by this machine, `perRepository` by all together. */
  limits: { total: number; perRepository: number };
  /** Ends a run wherever it is; resolves when it ended, or soon. */
  cancelRun(runId: RunId): Promise<void>;
  /** Asks for the same again. */
  retryRun(request: RunRequest): Promise<Acceptance>;
  /** Null without DASHBOARD_TOKEN: then there is no list, and nobody signs in. */
  sessions: Sessions | null;
  /** Null where no links are made. */
  keys: RunKeys | null;
  /** `https`: browsers send the cookie over nothing else. */
  scheme: "http" | "https";
  /** How often a run that is watched is looked at, in milliseconds. Default 1000. */
  lookEveryMs?: number;
  onError: (error: unknown) => void;
};
