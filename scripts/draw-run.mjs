// Draws what the demo printed as an SVG, for the README: npm run --silent demo | node scripts/draw-run.mjs > docs/run.svg
import { text } from "node:stream/consumers";

const COLUMNS = 104;
const LINE_HEIGHT = 18;
const CHARACTER_WIDTH = 7.8;
const MARGIN = 24;

const printed = await text(process.stdin);
const shown = [
  ...part(printed, /^octocat comments/m, /^── Issue/m),
  ...part(printed, /^── Pull request/m, /^ {2}### Prompt/m),
];
process.stdout.write(toSvg(shown));

/** The lines from one heading up to another, without the blank ones at their end. */
function part(lines, from, to) {
  const start = lines.search(from);
  const rest = lines.slice(start);
  const end = rest.slice(1).search(to) + 1;
  return [...rest.slice(0, end).trimEnd().split("\n"), ""];
}

function toSvg(lines) {
  const width = Math.ceil(COLUMNS * CHARACTER_WIDTH + 2 * MARGIN);
  const height = lines.length * LINE_HEIGHT + 2 * MARGIN;
  const rows = lines.map((line, index) => {
    const y = MARGIN + (index + 1) * LINE_HEIGHT - 4;
    return `  <text x="${MARGIN}" y="${y}" fill="${toColour(line)}">${escape(line.slice(0, COLUMNS))}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="What the demo prints: a comment, the run, and the pull request it became">`,
    `  <rect width="${width}" height="${height}" rx="10" fill="#0d1117"/>`,
    `  <g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13" xml:space="preserve">`,
    ...rows,
    "  </g>",
    "</svg>",
    "",
  ].join("\n");
}

function toColour(line) {
  if (line.startsWith("── ")) return "#7ee787";
  if (line.startsWith("octocat comments")) return "#ffffff";
  if (/^ +\d+\.\d s/.test(line)) return "#79c0ff";
  return "#c9d1d9";
}

function escape(line) {
  return line.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
