import remarkParse from "remark-parse";
import { unified } from "unified";
import { disarmProse, escapeProse, isHarmlessUrl, toHost } from "./disarm-prose.ts";
import { toFenced } from "./fence.ts";

export type RenderSafelyOptions = { allowedHosts: readonly string[] };

const parser = unified().use(remarkParse);

type Root = ReturnType<typeof parser.parse>;
type Node = Root | Root["children"][number];

/** A stretch of the result. Prose is disarmed once all of it is together; code and links are as they shall be. */
type Piece = { kind: "prose" | "verbatim"; text: string };

type Context = RenderSafelyOptions & {
  source: string;
  /** Whether GitHub may see a table's row here, which it splits into cells before it looks for code. */
  tables: "possible" | "none";
  /** Whether the node stands alone, among the blocks of a quote or list, or inside a line. */
  place: "root" | "block" | "inline";
};

/** The line that makes a table of a paragraph; CommonMark, which is parsed here, knows no tables. */
const TABLE_RULE = /^[\s>*+|:-]*$/;

/** More of these than any text for people has; they make a parser slow, or the stack too small. */
export function isTooTangled(text: string): boolean {
  return /(?:[>*+-][ \t]*){100}/.test(text) || (text.match(/[[\]<]|(?<=^|[^*_])[*_]+/g)?.length ?? 0) > 4000;
}

/**
 * Writes Markdown anew from its parsed form, so that what is code for GitHub is code here too: only there a mention or a
 * tag means nothing. Everything else is prose, and is escaped and disarmed. Throws when the nesting is too deep.
 */
export function renderSafely(source: string, { allowedHosts }: RenderSafelyOptions): string {
  const context: Context = { source, allowedHosts, tables: "none", place: "root" };
  const root = parser.parse(source);
  const pieces = renderChildren(root, context);
  const last = root.children.at(-1);
  if (last?.type === "code") pieces.push({ kind: "verbatim", text: toMissingFence(toSource(last, context)) });
  return joinPieces(pieces, { allowedHosts }).trim();
}

/** Disarms prose over the borders of its pieces: `@` and the `name` from a link's text meet only here. */
function joinPieces(pieces: readonly Piece[], options: RenderSafelyOptions): string {
  let result = "";
  let prose = "";
  for (const piece of pieces) {
    if (piece.kind === "prose") {
      prose += piece.text;
      continue;
    }
    result += disarmProse(prose, options);
    // A link after an exclamation mark would be a picture.
    result += piece.text.startsWith("[") && result.endsWith("!") ? `&#8203;${piece.text}` : piece.text;
    prose = "";
  }
  return result + disarmProse(prose, options);
}

function render(node: Node, context: Context): Piece[] {
  switch (node.type) {
    case "inlineCode":
      return renderInlineCode(toSource(node, context), context);
    case "code":
      return renderCode(node, context);
    case "image":
    case "imageReference":
      return toProse((node.alt ?? "").replaceAll("\\", ""));
    case "link":
      return renderLink(node, context);
    case "linkReference":
      return node.children.flatMap((child) => render(child, { ...context, place: "inline" }));
    case "definition":
      return [];
    case "html":
      return renderHtml(node, context);
    case "text":
    case "break":
    case "thematicBreak":
    case "footnoteReference":
    case "yaml":
      return toProse(toSource(node, context));
    case "blockquote":
    case "delete":
    case "emphasis":
    case "footnoteDefinition":
    case "heading":
    case "list":
    case "listItem":
    case "paragraph":
    case "root":
    case "strong":
    case "table":
    case "tableCell":
    case "tableRow":
      return renderChildren(node, context);
  }
}

/** A parent's own text (markers, indentation) with its children in their places. */
function renderChildren(node: Extract<Node, { children: unknown[] }>, context: Context): Piece[] {
  const inside: Context = { ...context, place: toPlace(node) };
  if (node.type === "paragraph") {
    const text = toSource(node, context);
    const hasRule = text.split("\n").some((line) => line.includes("-") && TABLE_RULE.test(line));
    inside.tables = hasRule && text.includes("|") ? "possible" : "none";
  }
  const pieces: Piece[] = [];
  let from = node.type === "root" ? 0 : toStart(node);
  for (const child of node.children) {
    pieces.push(...toProse(context.source.slice(from, toStart(child))), ...render(child, inside));
    from = toEnd(child);
  }
  const end = node.type === "root" ? context.source.length : toEnd(node);
  return [...pieces, ...toProse(context.source.slice(from, end))];
}

/** Code stays as it is, unless it may be cut in two and would mean something then. */
function renderInlineCode(source: string, { tables, allowedHosts }: Context): Piece[] {
  if (tables === "none") return toVerbatim(source);
  const content = source.replace(/^`+|`+$/g, "");
  const isHarmless = disarmProse(escapeProse(content), { allowedHosts }) === content;
  return isHarmless ? toVerbatim(source) : toProse(source);
}

const MAX_URL_LENGTH = 200;

function renderLink(node: Extract<Node, { type: "link" }>, context: Context): Piece[] {
  // In an address between angle brackets a backslash is itself, and would escape what comes after it.
  const isBare = context.source.startsWith("<", toStart(node));
  const children = isBare
    ? toProse(toSource(node, context).slice(1, -1).replaceAll("\\", ""))
    : node.children.flatMap((child) => render(child, { ...context, place: "inline" }));
  if (isHarmlessUrl(node.url, context)) {
    const href = new URL(node.url).href.replaceAll("(", "%28").replaceAll(")", "%29");
    return toVerbatim(`[${joinPieces(children, { allowedHosts: [] })}](${href})`);
  }
  const label = children.map(({ text }) => text).join("");
  const url = node.url.replaceAll("\\", "");
  // A path says no more than the label does, and an address written out is its own label.
  if (toHost(url) === null || escapeProse(url) === label || url === `mailto:${label}`) return children;
  const shown = url.length > MAX_URL_LENGTH ? `${url.slice(0, MAX_URL_LENGTH)}…` : url;
  return [...children, ...toProse(` (${shown})`)];
}

const COMMENT = /<!--(?:-?>|[\s\S]*?(?:--!?>|$))/g;

/** HTML becomes the text it is written with, and everything in it that Markdown could read is escaped. */
function renderHtml(node: Extract<Node, { type: "html" }>, context: Context): Piece[] {
  // A blank in the place of a comment, so that what stood around it stays apart.
  const text = toSource(node, context).replace(COMMENT, " ").replaceAll("~", "\\~");
  // An empty line after a block of it, since what follows was parsed as a block of its own.
  return toProse(context.place === "inline" ? text : `${text}\n\n`);
}

/** Diagrams and maps that GitHub would draw, and changes that it would let people take over. */
const DRAWN = /^((`{3,}|~{3,})[ \t]*)(?:suggestion|mermaid|geojson|topojson|stl|math)\b[^\n]*/i;

/** Code by fences stays. Code by indentation hangs on what stands around it, so it gets fences, or becomes prose. */
function renderCode(node: Extract<Node, { type: "code" }>, context: Context): Piece[] {
  const source = toSource(node, context);
  if (/^[`~]/.test(source)) return toVerbatim(source.replace(DRAWN, "$2"));
  return context.place === "root" ? toVerbatim(toFenced(node.value)) : toProse(source);
}

/** What a code block at the end of a text lacks: its closing fence, or nothing. */
function toMissingFence(source: string): string {
  const fence = /^(?:`{3,}|~{3,})/.exec(source)?.[0];
  if (fence === undefined) return "";
  const last = source.slice(source.lastIndexOf("\n") + 1).trim();
  const isClosed = source.includes("\n") && last.startsWith(fence) && /^(.)\1*$/.test(last);
  return isClosed ? "" : `\n${fence}`;
}

function toPlace(parent: Node): Context["place"] {
  if (parent.type === "root") return "root";
  return /^(?:blockquote|list|listItem)$/.test(parent.type) ? "block" : "inline";
}

function toProse(text: string): Piece[] {
  return text === "" ? [] : [{ kind: "prose", text: escapeProse(text) }];
}

function toVerbatim(text: string): Piece[] {
  return [{ kind: "verbatim", text }];
}

function toSource(node: Node, { source }: Context): string {
  return source.slice(toStart(node), toEnd(node));
}

function toStart(node: Node): number {
  return node.position?.start.offset ?? 0;
}

function toEnd(node: Node): number {
  return node.position?.end.offset ?? 0;
}
