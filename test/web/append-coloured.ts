import { existsSync } from "node:fs";
import { appendFile, mkdir, stat } from "node:fs/promises";
import type { RunId } from "../../src/run/id.ts";
import { openColourFile } from "../../src/store/log-colours.ts";
import { toRunFile } from "../../src/store/run-files.ts";
import { createStyleReader } from "../../src/text/styled-text.ts";
import type { PagesWorld } from "./pages-world.ts";

/** Adds lines to a run's log, also to half a one that stands there: what a command coloured for a terminal is kept beside its text. */
export async function appendColoured(
  { product: { paths } }: PagesWorld,
  { runId, lines }: { runId: RunId; lines: readonly string[] },
): Promise<void> {
  await mkdir(paths.runFolder(runId), { recursive: true });
  const log = toRunFile(paths, { runId, file: "log" });
  let at = existsSync(log) ? (await stat(log)).size : 0;
  const colours = openColourFile(toRunFile(paths, { runId, file: "colours" }), { logBytes: at });
  let added = "";
  for (const line of lines) {
    const { text, spans } = createStyleReader()(`${line}\n`);
    colours.write(spans, { text, at });
    added += text;
    at += Buffer.byteLength(text);
  }
  await colours.close();
  await appendFile(log, added);
}

const sgr = (codes: string, text: string): string => `\u001b[${codes}m${text}\u001b[0m`;
const decorations = { usual: "0", bold: "1", faint: "2", italic: "3", underline: "4", strike: "9", both: "4;9" };
const colours = Array.from({ length: 16 }, (_, number) => number);
const toCode = (number: number, ground = 0): string => String((number < 8 ? 30 : 82) + number + ground);

/** Every colour, alone, with every decoration, and on every ground. */
export const EVERY_LOOK: readonly string[] = [
  "$ npm test",
  ...Object.entries(decorations).map(([name, code]) =>
    [sgr(code, name), ...colours.map((number) => sgr(`${code};${toCode(number)}`, `${name}-${number}`))].join(" "),
  ),
  ...colours.map((ground) =>
    [`on ${ground}:`, ...colours.map((number) => sgr(`${toCode(number)};${toCode(ground, 10)}`, ` ${number} `))].join(
      " ",
    ),
  ),
  colours.map((ground) => sgr(`1;2;${toCode(ground, 10)}`, ` faint on ${ground} `)).join(""),
  `! ${sgr("31", "it failed")}, ${sgr("2", "for a reason")} and ${sgr("7", "in reverse")}`,
  `Codex: ${sgr("32", "ok")} ${sgr("38;5;208", "orange")} ${sgr("48;2;10;20;30", "on night")}`,
];
