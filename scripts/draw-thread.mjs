// Draws a thread as people see it on GitHub as an SVG, for the README. The thread is what the conversation's test prints:
//   PRINT_THREAD=1 npm run --silent test:e2e -- test/e2e/colleague.test.ts | node scripts/draw-thread.mjs > docs/thread.svg
import { text } from "node:stream/consumers";

const COLUMNS = 100;
const LINE_HEIGHT = 18;
const CHARACTER_WIDTH = 7.8;
const MARGIN = 20;
const GAP = 14;
const BOT = /\[bot\]$/;

const printed = await text(process.stdin);
const entries = readEntries(printed).filter(({ lines }) => lines.length > 0);
process.stdout.write(toSvg(choose(entries)));

/** Who said what, in the order it was printed. */
function readEntries(output) {
  const entries = [];
  for (const line of output.split("\n")) {
    if (/^[a-z][a-z-]*(?:\[bot\])?$/.test(line)) entries.push({ name: line, lines: [], reactions: "" });
    else if (/^ {2}\S/.test(line) && entries.length > 0) addLine(entries.at(-1), line.slice(2));
  }
  return entries;
}

function addLine(entry, line) {
  const reactions = line.match(/[👀🚀😕👎]/gu);
  if (reactions !== null && line.includes("[bot]")) entry.reactions = reactions.join(" ");
  else entry.lines.push(line.replaceAll("**", "").replaceAll(/\]\(http[^)]*\)/g, "]"));
}

/** The part of a long day that fits into one picture. */
function choose(entries) {
  const from = (pattern) => entries.findIndex(({ lines }) => pattern.test(lines[0] ?? ""));
  const after = (start, count) => (start < 0 ? [] : entries.slice(start, start + count));
  return [
    ...after(from(/^\/codex statsu/), 2),
    ...after(from(/^\/codex status$/), 2),
    ...after(from(/^\/codex retry/), 2),
    ...after(from(/^\/codex Document/), 4),
  ];
}

function toSvg(entries) {
  const width = Math.ceil(COLUMNS * CHARACTER_WIDTH + 4 * MARGIN);
  let y = MARGIN;
  const boxes = entries.map((entry) => {
    const lines = entry.lines.flatMap(wrap);
    const rows = lines.length + 1 + (entry.reactions === "" ? 0 : 1);
    const height = rows * LINE_HEIGHT + 18;
    const box = toBox({ ...entry, lines }, { y, height, width });
    y += height + GAP;
    return box;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y + MARGIN - GAP}" viewBox="0 0 ${width} ${y + MARGIN - GAP}" role="img" aria-label="A conversation on an issue: a mistyped command, a status, a retry that becomes a pull request, a question and its answer">`,
    `  <rect width="${width}" height="${y + MARGIN - GAP}" rx="10" fill="#0d1117"/>`,
    `  <g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13" xml:space="preserve">`,
    ...boxes,
    "  </g>",
    "</svg>",
    "",
  ].join("\n");
}

function toBox({ name, lines, reactions }, { y, height, width }) {
  const isBot = BOT.test(name);
  const rows = [
    row(name, { y: y + 22, fill: isBot ? "#7ee787" : "#79c0ff" }),
    ...lines.map((line, index) => row(line, { y: y + 22 + (index + 1) * LINE_HEIGHT, fill: "#c9d1d9" })),
    ...(reactions === "" ? [] : [row(reactions, { y: y + 22 + (lines.length + 1) * LINE_HEIGHT, fill: "#8b949e" })]),
  ];
  const frame = `  <rect x="${MARGIN}" y="${y}" width="${width - 2 * MARGIN}" height="${height}" rx="6" fill="${isBot ? "#161b22" : "#121d2f"}" stroke="#30363d"/>`;
  return [frame, ...rows].join("\n");
}

function row(line, { y, fill }) {
  return `  <text x="${2 * MARGIN}" y="${y}" fill="${fill}">${escape(line)}</text>`;
}

/** Breaks a line between words. */
function wrap(line) {
  const lines = [""];
  for (const word of line.split(" ")) {
    if (lines.at(-1).length + word.length + 1 > COLUMNS) lines.push("");
    lines.push(`${lines.pop()} ${word}`);
  }
  return lines.map((one) => one.slice(1));
}

function escape(line) {
  return line.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
