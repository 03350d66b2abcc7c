export type DisarmProseOptions = {
  /** Hosts whose addresses stay links. */
  allowedHosts: readonly string[];
};

/** Shows nothing and parts what would mean something together; the usual way to write a mention that mentions nobody. */
const BREAK = "&#8203;";

/** An escape of Markdown's own, or something that has a meaning in prose but must not have it. */
const MEANINGFUL = /\\[!-/:-@[-`{-~]|[`[\]<]|&(?=#?\w+;)|~{3,}/g;

/** Entities that stand for a character without any meaning. */
const PLAIN_ENTITY = /^&(?:lt|gt|amp|quot|nbsp|#39);/;

/**
 * Escapes prose so that none of it is code, a link, a picture, HTML, or a character in disguise. Escapes that are there
 * already stay as they are.
 */
export function escapeProse(text: string): string {
  return text.replace(MEANINGFUL, (found, at: number) => {
    if (found.startsWith("\\")) return found;
    if (found === "<") return "&lt;";
    if (found === "&") return PLAIN_ENTITY.test(text.slice(at, at + 8)) ? "&" : "&amp;";
    return Array.from(found, (character) => `\\${character}`).join("");
  });
}

/** Addresses, mentions, references to issues by number or by GitHub's older form. */
const REFERENCE = /(https?|ftp):(?=\\?\/\\?\/)|www(?=\.)|@(?=[\w-])|(?<!(?<!\\)&(?=#39;))#(?=\d)|\bGH-(?=\d)/gi;

const ADDRESS = /https?:\/\/[^\s<>\\"'`|]+/iy;

/** The box of a task list, whose brackets mean nothing else. */
const TASK = /^([ \t>]*(?:[-*+]|\d{1,9}[.)])[ \t]+)\\\[([ xX])\\\](?=[ \t])/gm;

/** Takes from escaped prose what GitHub would turn into a mention, a reference or a link. */
export function disarmProse(text: string, options: DisarmProseOptions): string {
  let result = "";
  let from = 0;
  for (const { 0: found, index } of text.matchAll(REFERENCE)) {
    if (index < from) continue;
    const address = /^https?:/i.test(found) && text[index - 1] !== "\\" ? readAddress(text, index) : null;
    if (address !== null && isHarmlessUrl(address, options)) {
      result += `${text.slice(from, index)}<${address}>`;
      from = index + address.length;
    } else {
      result += text.slice(from, index + found.length) + BREAK;
      from = index + found.length;
    }
  }
  return (result + text.slice(from)).replace(TASK, "$1[$2]");
}

/** Whether an address may be a link: to an allowed host, and not to an issue, which a link would refer to. */
export function isHarmlessUrl(url: string, { allowedHosts }: DisarmProseOptions): boolean {
  const host = toHost(url);
  if (host === null || !allowedHosts.includes(host)) return false;
  const { pathname, username, password } = new URL(url);
  return username === "" && password === "" && !/\/(?:issues|pulls?|discussions|commit)\/[^/]/i.test(pathname);
}

/** The host of an http address, in lower case; null for anything else. */
export function toHost(url: string): string | null {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return null;
  return new URL(url).host;
}

function readAddress(text: string, at: number): string | null {
  ADDRESS.lastIndex = at;
  const found = ADDRESS.exec(text)?.[0].replace(/[).,;:!?*_~]+$/, "");
  return found === undefined || /&\w+;|[@#]/.test(found) ? null : found;
}
