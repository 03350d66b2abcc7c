import type { RunError } from "../../run/failure.ts";
import { toSafeMarkdown } from "../../text/markdown.ts";
import type { Reaction } from "./command-place.ts";

/** What a verb came to: words for the thread, and whether it could be done. */
export type VerbAnswer = { text: string; reaction: Extract<Reaction, "rocket" | "confused"> };

/** A verb that failed: what happened, and what to do. */
export function toRefusal({ failure: { message, hint } }: RunError): VerbAnswer {
  return {
    text: `${toSafeMarkdown(message, { maxLength: 1000 })} ${toSafeMarkdown(hint, { maxLength: 500 })}`,
    reaction: "confused",
  };
}
