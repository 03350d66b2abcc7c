import { isPictureAddress } from "../../../run/picture-address.ts";
import { MAX_PICTURES } from "../../../run/request.ts";
import { removeHidden, type Picture } from "../../../text/hidden.ts";
import { removeInvisible, toPlainText } from "../../../text/plain.ts";

/** Makes text of strangers fit for a prompt, keeps count of what people could not see in it, and notes its pictures. */
export type Cleaner = {
  /** Markdown as its page shows it: without comments and characters that print nothing, a picture by its number or words. */
  prose(text: string): string;
  /** Code and logs, which a page shows as they are, without characters that print nothing. */
  code(text: string): string;
  /** How many hidden pieces were taken out so far. */
  removed(): number;
  /** Addresses of the pictures so far, in the order of their numbers from 1. */
  pictures(): string[];
};

/** What we put into comments of ours to know them again: numbers, so that nobody can say anything with it. */
const OWN_MARK = /<!-- codex-[a-z]+(?:-[a-z]+)*(?::[0-9a-f-]+)*(?::review)? -->/g;

/** Begins with nothing taken out. `webUrl` is the GitHub whose pictures are noted. */
export function createCleaner({ webUrl }: { webUrl: string }): Cleaner {
  let removed = 0;
  const pictures: string[] = [];
  const toPictureText = ({ alt, address }: Picture): string => {
    const words = alt.trim() === "" ? "" : `: ${alt.trim()}`;
    // Without an address it may be no picture at all.
    if (address === null) return alt;
    if (!isPictureAddress(address, { webUrl })) return `[picture${words}]`;
    if (!pictures.includes(address) && pictures.length < MAX_PICTURES) pictures.push(address);
    const number = pictures.indexOf(address) + 1;
    return number === 0 ? `[picture, one too many to be attached${words}]` : `[picture ${number}${words}]`;
  };
  return {
    prose: (text) => {
      const cleaned = removeHidden(text.replace(OWN_MARK, ""), { toPictureText });
      removed += cleaned.removed;
      return cleaned.text.trim();
    },
    code: (text) => removeInvisible(toPlainText(text)),
    removed: () => removed,
    pictures: () => [...pictures],
  };
}
