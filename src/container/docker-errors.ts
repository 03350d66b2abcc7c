import { z } from "zod";
import { type FailureReason, RunError } from "../run/failure.ts";

const EngineError = z.object({
  message: z.string(),
  statusCode: z.number().optional(),
  code: z.string().optional(),
  json: z.object({ message: z.string() }).optional().catch(undefined),
});

/** What an engine says in the middle of an answer that began well. */
export class EngineRefusal extends Error {
  override readonly name = "EngineRefusal";
}

/** The HTTP status the engine answered with, or null when there was no answer at all. */
export function readStatusCode(error: unknown): number | null {
  return EngineError.safeParse(error).data?.statusCode ?? null;
}

/** The engine's own words, as one short line. */
export function cleanEngineText(error: unknown): string {
  const parsed = EngineError.safeParse(error).data;
  const text = parsed?.json?.message ?? parsed?.message ?? String(error);
  return toOneLine(text.replace(/^\(HTTP code \d+\) [^-]*- /, ""));
}

/** Makes one printable line of at most 300 characters of what an engine or a container said. */
export function toOneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
}

export type ToEngineErrorOptions = {
  /** What was being done, as a clause: "create the container". */
  doing: string;
  /** The reason when the engine did answer, but refused. */
  refusal: FailureReason;
  /** What to do when it refused; default is the reason's usual hint. */
  hint?: string;
};

/** Tells an engine that is away from one that refuses. */
export function toEngineError(error: unknown, { doing, refusal, hint }: ToEngineErrorOptions): RunError {
  if (error instanceof RunError) return error;
  const text = cleanEngineText(error).replace(/\.$/, "");
  if (readStatusCode(error) !== null || error instanceof EngineRefusal) {
    return new RunError(refusal, `The engine could not ${doing}: ${text}.`, { cause: error, hint });
  }
  const isForbidden = EngineError.safeParse(error).data?.code === "EACCES";
  return new RunError("docker-unavailable", `The Docker engine could not be reached: ${text}.`, {
    cause: error,
    hint: isForbidden ? FORBIDDEN_HINT : undefined,
  });
}

const FORBIDDEN_HINT =
  "Add this user to the group that may use the engine's socket (usually `docker`), log in again, then try again.";
