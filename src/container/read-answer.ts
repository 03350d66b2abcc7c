import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { askWithin, openStream, type OpenStreamOptions } from "./docker-stream.ts";

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
  return askWithin({ withinMs }, async (abortSignal) =>
    text(await openStream(docker, { method: "GET", path, query, abortSignal })),
  );
}

/** The same for an answer in JSON. */
export async function readJsonAnswer(docker: Docker, options: ReadAnswerOptions): Promise<unknown> {
  return JSON.parse(await readAnswer(docker, options));
}
