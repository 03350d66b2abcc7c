// The live part of a run's page: the log grows by itself, and the state is current. Everything that comes is put in as
// text, never as markup. Without this script the page asks for itself again from time to time.

/** What stays in the page, in lines, in characters and in pieces of one look; older lines are a link away. */
const MAX_LINES = 5000;
const MAX_CHARACTERS = 1_000_000;
const MAX_PIECES = 20_000;
/** A longer line goes on as another one, so that none costs the browser more than a moment. */
const MAX_LINE = 10_000;
const PARTS = new RegExp(`.{0,${MAX_LINE}}\n|.{1,${MAX_LINE}}`, "g");
/** The looks that colours.css knows. */
const WORD = "(?:[fb]g-(?:\\d|1[0-5])|bold|faint|italic|underline|strike)";
const LOOK = new RegExp(`^${WORD}(?: ${WORD})*$`);
/** How near to its end, in pixels, the log counts as read to the end. */
const NEAR = 40;

const log = document.getElementById("log");
const source = log?.dataset.live;
if (log && source) follow(log, source);

/** @param {HTMLElement} log @param {string} address */
function follow(log, address) {
  const live = document.getElementById("live");
  const say = (words) => {
    if (live && live.textContent !== words) live.textContent = words;
  };
  log.scrollTop = log.scrollHeight;
  const add = createAdder(log);
  const events = new EventSource(address);
  events.addEventListener("hello", () => say("live"));
  events.addEventListener("error", () => say("cut off, trying again"));
  events.addEventListener("log", ({ data }) => add(JSON.parse(data)));
  events.addEventListener("state", ({ data }) => showState(JSON.parse(data)));
  events.addEventListener("end", () => {
    events.close();
    say("");
    // What came out of it is on the page as the server makes it now.
    location.reload();
  });
}

/**
 * A piece of the log: its text, and how it looks where that is not as usual.
 *
 * @typedef {[text: string, look?: string]} Piece
 */

/**
 * Makes what adds pieces to the log: at most once a frame, so that a flood costs no more than what of it is seen.
 *
 * @param {HTMLElement} log
 */
function createAdder(log) {
  const end = document.getElementById("log-end");
  let last = end.previousElementSibling;
  let isOpen = last !== null && !last.textContent.endsWith("\n");
  let characters = log.textContent.length;
  let pieces = 0;
  for (const line of log.children) pieces += line.childNodes.length;
  /** @type {Piece[]} */
  let waiting = [];
  let length = 0;

  const addLine = (/** @type {Piece[]} */ line) => {
    if (!isOpen || last.textContent.length >= MAX_LINE) {
      last = document.createElement("span");
      end.before(last);
    }
    last.append(...line.map(toNode));
    const text = last.textContent;
    last.className = toKind(text);
    isOpen = !text.endsWith("\n");
    characters += toLength(line);
    pieces += line.length;
  };
  const show = () => {
    const isRead = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
    const lines = toLines(waiting);
    const kept = keepEnd(lines);
    if (kept.length < lines.length) isOpen = false;
    waiting = [];
    length = 0;
    for (const line of kept) addLine(line);
    const isTooMuch = () => log.childElementCount > MAX_LINES + 1 || characters > MAX_CHARACTERS || pieces > MAX_PIECES;
    while (log.firstElementChild !== last && isTooMuch()) {
      characters -= log.firstElementChild.textContent.length;
      pieces -= log.firstElementChild.childNodes.length;
      log.firstElementChild.remove();
    }
    if (isRead) log.scrollTop = log.scrollHeight;
  };
  return (/** @type {Piece[]} */ added) => {
    if (waiting.length === 0) requestAnimationFrame(show);
    for (const piece of added) waiting.push(piece);
    length += toLength(added);
    if (length <= 2 * MAX_CHARACTERS) return;
    // Nobody reads as fast: what would not stay in the page is not put into it.
    waiting = cutStart(waiting);
    length = toLength(waiting);
    isOpen = false;
  };
}

/** @param {Piece[]} pieces */
function toLength(pieces) {
  return pieces.reduce((sum, [text]) => sum + text.length, 0);
}

/** The end of what waits, from the beginning of a line on. @param {Piece[]} pieces @returns {Piece[]} */
function cutStart(pieces) {
  let from = pieces.length;
  for (let length = 0; from > 0 && length < MAX_CHARACTERS; from--) length += pieces[from - 1][0].length;
  const end = pieces.slice(from);
  const at = end.findIndex(([text]) => text.includes("\n"));
  if (at < 0) return end;
  const [text, look] = end[at];
  return [[text.slice(text.indexOf("\n") + 1), look], ...end.slice(at + 1)];
}

/** @param {Piece[]} pieces */
function toLines(pieces) {
  /** @type {Piece[][]} */
  const lines = [];
  let room = 0;
  for (const [text, look] of pieces) {
    for (const part of text.match(PARTS) ?? []) {
      if (room <= 0) {
        lines.push([]);
        room = MAX_LINE;
      }
      lines.at(-1).push([part, look]);
      room = part.endsWith("\n") ? 0 : room - part.length;
    }
  }
  return lines;
}

/** The last lines, as many as stay in the page. @param {Piece[][]} lines */
function keepEnd(lines) {
  let from = lines.length;
  let pieces = 0;
  while (from > 0 && lines.length - from < MAX_LINES && pieces + lines[from - 1].length <= MAX_PIECES) {
    from--;
    pieces += lines[from].length;
  }
  return lines.slice(from);
}

/** What is no look that we know is shown as usual. @param {Piece} piece */
function toNode([text, look]) {
  if (look === undefined || !LOOK.test(look)) return text;
  const node = document.createElement("span");
  node.className = look;
  node.textContent = text;
  return node;
}

/** As in log-view.ts. @param {string} line */
function toKind(line) {
  if (line.startsWith("$ ")) return "line command";
  if (line.startsWith("! ")) return "line trouble";
  return /^(?:Codex|Files|Plan|Search|Thought|Tool|Sub-agents):/.test(line) ? "line said" : "line";
}

/** @param {{ state: string, name: string, words: string }} now */
function showState({ state, name, words }) {
  const label = document.querySelector("#state .state");
  const doing = document.getElementById("doing");
  if (label) {
    label.className = `state ${state}`;
    label.textContent = name;
  }
  if (doing) doing.textContent = words;
}
