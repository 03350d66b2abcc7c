import * as fc from "fast-check";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createEventReader } from "../../src/codex/events.ts";
import { createMask, type Mask } from "../../src/masking/mask.ts";
import { makeStateFolders, toStatePaths, type StatePaths } from "../../src/store/paths.ts";
import { toRunFile, writeRequest } from "../../src/store/run-files.ts";
import { openRunLog } from "../../src/store/run-log.ts";
import { findSecrets } from "../helpers/find-secret.ts";
import { createRequest } from "../helpers/requests.ts";

const secret = fc.stringMatching(/^[A-Za-z0-9+/=_.~"\\ @:ąé😀-]{12,40}$/u).filter((text) => text.trim().length >= 12);

/** Lines as Codex writes them, and some that are none. */
function toOutput(value: string): Buffer {
  const item = {
    id: "1",
    type: "command_execution",
    command: `echo ${value}`,
    aggregated_output: `😀 ${value}\n`,
    status: "completed",
  };
  const events = [
    { type: "item.completed", item },
    {
      type: "item.completed",
      item: { id: "2", type: "agent_message", text: `It is ${Buffer.from(value).toString("base64")}.` },
    },
  ];
  return Buffer.from(
    `${events.map((event) => JSON.stringify(event)).join("\n")}\nä ${value} ${encodeURIComponent(value)}\n`,
  );
}

/** The files that a run has of an output that comes in these pieces. */
async function record(pieces: Buffer[], { paths, mask }: { paths: StatePaths; mask: Mask }): Promise<string[]> {
  const request = createRequest();
  const runId = request.run_id;
  await writeRequest(paths, request);
  const log = openRunLog(paths, { runId, mask, mode: "new" });
  const reader = createEventReader({ onEventLine: log.writeEvent, onLogLine: log.writeLog, mask: mask.text });
  for (const piece of pieces) {
    reader.push(piece);
    await log.drained();
  }
  reader.end();
  await log.close();
  return (["events", "log"] as const).map((file) => readFileSync(toRunFile(paths, { runId, file }), "utf8"));
}

test("wherever a container's output is cut, byte by byte too, the run's files are the same, and hold no secret", async () => {
  const paths = toStatePaths(mkdtempSync(join(tmpdir(), "streaming-")));
  await makeStateFolders(paths);
  try {
    await fc.assert(
      fc.asyncProperty(secret, fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 8 }), async (value, sizes) => {
        const mask = createMask([value]);
        const output = toOutput(value);
        const whole = await record([output], { paths, mask });
        for (const text of whole) expect(findSecrets(text, { value })).toEqual([]);
        expect(whole.join("")).toContain("😀 ***");
        const bytes = Array.from(output, (_, at) => output.subarray(at, at + 1));
        expect(await record(bytes, { paths, mask })).toEqual(whole);
        const cut = sizes.reduce<{ at: number; pieces: Buffer[] }>(
          ({ at, pieces }, size) => ({ at: at + size, pieces: [...pieces, output.subarray(at, at + size)] }),
          { at: 0, pieces: [] },
        );
        expect(await record([...cut.pieces, output.subarray(cut.at)], { paths, mask })).toEqual(whole);
      }),
      { numRuns: 15 },
    );
  } finally {
    rmSync(paths.runs, { recursive: true, force: true });
  }
});
