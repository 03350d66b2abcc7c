import { z } from "zod";
import { RunResult } from "../run/result.ts";
import type { Database } from "./database.ts";
import { isOpen } from "./lines.ts";
import { json, parseEach } from "./run-row.ts";

/** What is told of a run that ended. */
const EndedRun = RunResult.pick({ status: true, mode: true, trigger: true, timings: true, usage: true, error: true });
export type EndedRun = z.infer<typeof EndedRun>;

/** Follows which runs get their result, whoever executes them. */
export type EndsFollower = {
  /**
   * The runs that ended since it was asked last; at first those that were open when the follower was made. Asked one after
   * the other. A result that cannot be read is left out.
   */
  next(): Promise<EndedRun[]>;
};

/** How many runs one statement asks for. */
const MAX_IDS = 500;

const Newest = z.object({ seq: z.number().nullable() });
const SeqRows = z.array(z.object({ seq: z.number(), run_id: z.string() }));
const ResultRows = z.array(z.object({ run_id: z.string(), result: z.string() }));

/** See `RunStore.followEnds`. */
export async function followEnds({ kysely }: Database): Promise<EndsFollower> {
  const runs = kysely.selectFrom("runs");
  const first = await runs.select((eb) => eb.fn.max("seq").as("seq")).executeTakeFirst();
  let newest = Newest.parse(first).seq ?? 0;
  const open = SeqRows.parse(await runs.select(["seq", "run_id"]).where(isOpen).where("result", "is", null).execute());
  const followed = new Set(open.map(({ run_id }) => run_id));

  return {
    next: async () => {
      const added = SeqRows.parse(await runs.select(["seq", "run_id"]).where("seq", ">", newest).execute());
      for (const { run_id, seq } of added) {
        followed.add(run_id);
        newest = Math.max(newest, seq);
      }
      const ended: EndedRun[] = [];
      for (const ids of toChunks([...followed])) {
        const rows = runs.select(["run_id", "result"]).where("run_id", "in", ids).where("result", "is not", null);
        const found = ResultRows.parse(await rows.execute());
        for (const { run_id } of found) followed.delete(run_id);
        const results = found.map(({ result }) => result);
        ended.push(...parseEach(json(EndedRun), results));
      }
      return ended;
    },
  };
}

function toChunks(ids: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / MAX_IDS) }, (_, index) =>
    ids.slice(index * MAX_IDS, (index + 1) * MAX_IDS),
  );
}
