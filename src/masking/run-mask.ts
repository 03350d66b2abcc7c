import { createMask, type Mask } from "./mask.ts";
import { hideValues, type EnvVars } from "../run/env-vars.ts";
import type { RunRequest } from "../run/request.ts";
import type { RunResult } from "../run/result.ts";
import { toPlainText } from "../text/plain.ts";

/**
 * The mask of one run's outputs: what the whole process hides, and the values of the run's own variables, each as a whole,
 * as a log shows it, and line by line, since a log or a patch puts something between lines. Shorter ones than 8 characters
 * are left alone.
 */
export function toRunMask(mask: Mask, { variables }: { variables: EnvVars | null }): Mask {
  const values = Object.values(variables ?? {}).flatMap((value) => {
    const plain = toPlainText(value);
    return [value, plain, ...plain.split("\n")];
  });
  return mask.with(values);
}

/** The request as it may be read by anybody who may read of the run: without the values of its variables. */
export function toShownRequest(request: RunRequest): RunRequest {
  const { env_vars: variables } = request;
  if (variables === null) return request;
  return {
    ...request,
    prompt: toRunMask(createMask(), { variables }).text(request.prompt),
    env_vars: hideValues(variables),
  };
}

/** The result with every secret that the mask knows hidden. Paths are masked too, so they are no longer facts to decide by. */
export function maskResult(result: RunResult, { mask }: { mask: Mask }): RunResult {
  const { output, error } = result;
  return {
    ...result,
    output: {
      ...output,
      summary: output.summary === null ? null : mask.text(output.summary),
      files_changed: output.files_changed.map(mask.text),
      full_log: output.full_log === null ? null : mask.text(output.full_log),
      ...(output.data === undefined ? {} : { data: maskData(output.data, { mask }) }),
    },
    error: error === null ? null : { ...error, message: mask.text(error.message), hint: mask.text(error.hint) },
  };
}

/** The same data with masked texts, keys included. */
export function maskData(data: unknown, { mask }: { mask: Mask }): unknown {
  if (typeof data === "string") return mask.text(data);
  if (typeof data !== "object" || data === null) return data;
  if (Array.isArray(data)) return data.map((entry) => maskData(entry, { mask }));
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [mask.text(key), maskData(value, { mask })]));
}
