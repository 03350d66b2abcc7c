import { toPlainLine } from "../text/plain.ts";
import { askWorker } from "./ask-worker.ts";
import { isDeeperThan, MAX_DEPTH } from "./depth.ts";

/** The largest schema, in bytes of its JSON. */
const MAX_SCHEMA_BYTES = 64 * 1024;

const DIALECTS = /^https?:\/\/json-schema\.org\/(?:draft\/2020-12|draft-07)\/schema#?$/;

/**
 * Says in a sentence why this cannot be the schema of a run's answer; null when it can. Taken are objects of at most 64 KiB
 * in the dialects 2020-12, which is meant where none is named, and draft-07. They must compile, and refer to nothing
 * outside themselves: nothing is fetched. Whether a pattern is one that can take for ever shows only with an answer.
 */
export async function checkOutputSchema(schema: unknown): Promise<string | null> {
  if (!isObject(schema)) return "The output schema is no JSON object.";
  if (isDeeperThan(schema, MAX_DEPTH)) return `The output schema is nested deeper than ${MAX_DEPTH} levels.`;
  const bytes = Buffer.byteLength(JSON.stringify(schema));
  if (bytes > MAX_SCHEMA_BYTES) return `The output schema takes ${bytes} bytes; it may take ${MAX_SCHEMA_BYTES}.`;
  const dialect = schema["$schema"];
  if (dialect !== undefined && !(typeof dialect === "string" && DIALECTS.test(dialect)))
    return "The output schema's dialect is not known: use JSON Schema 2020-12 or draft-07.";
  if ("$async" in schema) return "The output schema may not be asynchronous ($async).";

  const end = await askWorker({ schema });
  switch (end.kind) {
    case "fits":
    case "misfit":
      return null;
    case "gave-up":
      return "The output schema takes too long or too much memory to compile.";
    case "bad-schema":
      return `The output schema cannot be used: ${toPlainLine(end.why, { maxLength: 300 })}.`;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
