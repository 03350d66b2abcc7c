import { createParser } from "eventsource-parser";
import { z } from "zod";
import type { Mask } from "../masking/mask.ts";
import type { Tally } from "./tally.ts";
import { OVERLOADED } from "./retry-after.ts";
import { toModelFailure } from "./upstream-failure.ts";

/**
 * What to do with the part that was read. `counted`: the answer has said its tokens by then. `cut`: it ends with a failure that
 * Codex gives up at when it reads it, although asking again may help.
 */
type Advice = "go-on" | "counted" | "cut";

/** Reads an answer while it passes by. */
export type AnswerReader = {
  push(chunk: Buffer): Advice;
  /** `counted`: its tokens are in the tally. `uncounted`: it ended without saying them. `unfinished`: it never ended. */
  end(): "counted" | "uncounted" | "unfinished";
};

export type AnswerReaderOptions = { type: "text/event-stream" | "application/json"; tally: Tally; mask: Mask };

/** The longest event or JSON answer that is read; a longer one passes by uncounted. */
const MAX_BUFFERED_CHARACTERS = 32 * 1024 * 1024;

const TokenCount = z.int().nonnegative().catch(0);
const AnswerUsage = z.object({
  input_tokens: TokenCount,
  input_tokens_details: z.object({ cached_tokens: TokenCount }).catch({ cached_tokens: 0 }),
  output_tokens: TokenCount,
});

const Problem = z.object({
  code: z.union([z.string(), z.number()]).nullish().catch(null),
  type: z.string().nullish().catch(null),
  message: z.string().nullish().catch(null),
});

/** The response object: the whole of a JSON answer, and part of a stream's last event. */
const Answer = z.object({
  status: z.string().nullish().catch(null),
  usage: AnswerUsage.nullish().catch(null),
  error: Problem.nullish().catch(null),
});
type Answer = z.infer<typeof Answer>;

const LastEvent = z.discriminatedUnion("type", [
  z.object({ type: z.enum(["response.completed", "response.incomplete", "response.failed"]), response: Answer }),
  Problem.omit({ type: true }).extend({ type: z.literal("error"), error: Problem.nullish().catch(null) }),
]);

/** Events that can be the last one. Quotes inside an event's own texts are escaped, so a model can't write one. */
const MAYBE_LAST_EVENT = /"(?:response\.(?:completed|incomplete|failed)|error)"/;

/** Makes a reader that counts tokens and notes failures in the tally as soon as they pass; it holds one event at most. */
export function createAnswerReader({ type, tally, mask }: AnswerReaderOptions): AnswerReader {
  const decoder = new TextDecoder();
  let state: "counted" | "uncounted" | "unfinished" = "unfinished";
  let advice: Advice = "go-on";

  const finish = (answer: Answer, outcome: "good" | "failed"): void => {
    if (state === "counted") return;
    state = answer.usage == null ? "uncounted" : "counted";
    if (answer.usage != null) {
      advice = "counted";
      tally.addUsage({
        input_tokens: answer.usage.input_tokens,
        cached_input_tokens: answer.usage.input_tokens_details.cached_tokens,
        output_tokens: answer.usage.output_tokens,
      });
    }
    if (outcome === "good") return tally.recover();
    const failure = toModelFailure(answer.error ?? {}, { mask });
    if (failure !== null) tally.fail(failure);
    if (answer.error?.code === OVERLOADED) advice = "cut";
  };

  const read = type === "application/json" ? createJsonReader(finish) : createStreamReader(finish);
  return {
    push(chunk) {
      read.push(decoder.decode(chunk, { stream: true }));
      return advice;
    },
    end() {
      read.end();
      return state;
    },
  };
}

type TextReader = { push(text: string): void; end(): void };
type Finish = (answer: Answer, outcome: "good" | "failed") => void;

function createStreamReader(finish: Finish): TextReader {
  const parser = createParser({
    maxBufferSize: MAX_BUFFERED_CHARACTERS,
    onEvent({ data }) {
      if (!MAYBE_LAST_EVENT.test(data)) return;
      const event = LastEvent.safeParse(parseJson(data));
      if (!event.success) return;
      if (event.data.type === "error") finish({ error: event.data.error ?? event.data }, "failed");
      else finish(event.data.response, event.data.type === "response.failed" ? "failed" : "good");
    },
  });
  let overflowed = false;
  const feed = (text: string): void => {
    try {
      if (!overflowed) parser.feed(text);
    } catch {
      overflowed = true;
    }
  };
  // An event counts only with the empty line after it, as for every reader of such streams.
  return { push: feed, end: () => undefined };
}

function createJsonReader(finish: Finish): TextReader {
  const parts: string[] = [];
  let length = 0;
  return {
    push(text) {
      length += text.length;
      if (length <= MAX_BUFFERED_CHARACTERS) parts.push(text);
      else parts.length = 0;
    },
    end() {
      const answer = Answer.safeParse(parseJson(parts.join("")));
      if (answer.success && answer.data.status != null)
        finish(answer.data, answer.data.status === "failed" ? "failed" : "good");
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
