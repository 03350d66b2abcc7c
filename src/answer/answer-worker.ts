import { parentPort, workerData } from "node:worker_threads";
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { z } from "zod";
import { Job, type Finding, type Message } from "./job.ts";

/**
 * The program of the thread in which schemas are compiled and answers checked: both are foreign, and may take for ever or
 * all memory there is. It says `ready` when it begins, and what it found when it has.
 */
const options = {
  // What nobody knows is no mistake (JSON Schema 2020-12, 6.5), and a format is a note to the reader (Validation, 7.2.1).
  strict: false,
  validateFormats: false,
  // `toString` is not there only because every object has it.
  ownProperties: true,
  logger: false,
} as const;

function findSchemaProblem(schema: Record<string, unknown>): Finding | ReturnType<Ajv["compile"]> {
  const ajv = /draft-07/.test(String(schema["$schema"])) ? new Ajv(options) : new Ajv2020(options);
  try {
    return ajv.compile(schema);
  } catch (error) {
    return { kind: "bad-schema", why: error instanceof Error ? error.message : String(error) };
  }
}

function find({ schema, answer }: Job): Finding {
  const compiled = findSchemaProblem(schema);
  if (typeof compiled !== "function") return compiled;
  if (answer === undefined || compiled(answer.data)) return { kind: "fits" };
  const { instancePath = "", message = "does not fit", params = {} } = compiled.errors?.[0] ?? {};
  const named: unknown = params["additionalProperty"] ?? params["unevaluatedProperty"];
  return { kind: "misfit", path: instancePath, why: typeof named === "string" ? `${message} (${named})` : message };
}

function tell(message: z.infer<typeof Message>): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(message);
}

tell({ kind: "ready" });
tell(find(Job.parse(workerData)));
