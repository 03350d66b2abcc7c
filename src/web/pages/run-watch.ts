import { setTimeout as sleep } from "node:timers/promises";
import type { RunFilesEverywhere } from "../../orchestrator/run-files.ts";
import type { RunId } from "../../run/id.ts";
import type { RunStateRecord } from "../../store/run-state.ts";
import type { RunStore } from "../../store/runs.ts";
import { LOG_PAGE_BYTES } from "./log-page.ts";
import { toLogPieces, type LogPiece } from "./log-pieces.ts";

/** What is seen of a run that is watched. `isOver`: its log gains nothing any more. */
export type Sight = { record: RunStateRecord; isOver: boolean; logBytes: number };

type LogText = { pieces: LogPiece[]; end: number };

/** Looks at runs for all who watch them: many viewers of one run cost as much as one. */
export type RunWatch = {
  /** How it stands now; null when there is no such run. */
  look(runId: RunId): Promise<Sight | null>;
  /** How it stands a moment later. */
  lookLater(runId: RunId): Promise<Sight | null>;
  /** A part of the log from a byte on, as a page may show it, and the byte after it; null when there is no log. */
  readLog(runId: RunId, offset: number): Promise<LogText | null>;
};

export type RunWatchOptions = {
  store: Pick<RunStore, "findState" | "isOver">;
  files: Pick<RunFilesEverywhere, "readPage" | "readColours" | "size">;
  /** How long a moment is, in milliseconds. */
  everyMs: number;
};

/** Begins with nobody watching; looks at nothing that nobody asks for. */
export function createRunWatch({ store, files, everyMs }: RunWatchOptions): RunWatch {
  const [looks, laterLooks, pages] = [createSharing<Sight>(), createSharing<Sight>(), createSharing<LogText>()];
  const look = async (runId: RunId): Promise<Sight | null> => {
    // The end first: what the log has by then is all that there will be.
    const isOver = await store.isOver(runId);
    const [record, logBytes] = await Promise.all([store.findState(runId), files.size(runId, "log")]);
    return record === null ? null : { record, isOver, logBytes: logBytes ?? 0 };
  };
  const readLog = async (runId: RunId, offset: number): Promise<LogText | null> => {
    const page = await files.readPage(runId, "log", { offset, limit: LOG_PAGE_BYTES });
    if (page === null) return null;
    const [begin, end] = [page.offset, page.nextOffset ?? page.size];
    const colours = await files.readColours(runId, { from: begin, to: end });
    return { pieces: toLogPieces(page.text, { begin, colours }), end };
  };
  return {
    look: (runId) => looks(runId, () => look(runId)),
    lookLater: (runId) => laterLooks(runId, () => sleep(everyMs, undefined, { ref: false }).then(() => look(runId))),
    readLog: (runId, offset) => pages(`${runId} ${offset}`, () => readLog(runId, offset)),
  };
}

type Sharing<Value> = (name: string, make: () => Promise<Value | null>) => Promise<Value | null>;

/** Who asks while somebody else's question of that name is open gets its answer. */
function createSharing<Value>(): Sharing<Value> {
  const open = new Map<string, Promise<Value | null>>();
  return (name, make) => {
    const known = open.get(name) ?? make().finally(() => open.delete(name));
    open.set(name, known);
    return known;
  };
}
