import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { openStream, type OpenStreamOptions } from "./docker-stream.ts";

export type ReadAnswerOptions = {
  /** What is asked for, with GET. */
  path: string;
  query?: OpenStreamOptions["query"];
  withinMs: number;
};

/**
 * Asks an engine for what it can say at once. Rejects when it has not said it within that time: an engine that hangs, or that
 * is out of reach behind an open connection, counts as one that is away. Rejects otherwise as dockerode does.
 */
export async function readAnswer(docker: Docker, { path, query, withinMs }: ReadAnswerOptions): Promise<string> {
  const asking = new AbortController();
  const timer = setTimeout(() => asking.abort(), withinMs);
  try {
    return await text(await openStream(docker, { method: "GET", path, query, abortSignal: asking.signal }));
  } catch (error) {
    throw asking.signal.aborted ? new Error(`it did not answer within ${withinMs / 1000} s`, { cause: error }) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** The same for an answer in JSON. */
export async function readJsonAnswer(docker: Docker, options: ReadAnswerOptions): Promise<unknown> {
  return JSON.parse(await readAnswer(docker, options));
}
