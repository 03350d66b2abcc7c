import picomatch from "picomatch";
import { RunError } from "../run/failure.ts";
import type { RunRequest } from "../run/request.ts";

/** Decides whether a model may be asked; null stands for a request that names none. */
export type ModelFilter = (model: string | null) => boolean;

/** ALLOWED_MODELS as a filter; null: any model, since which ones Codex asks by itself differs from version to version. */
export function createModelFilter(globs: readonly string[] | null): ModelFilter {
  if (globs === null) return () => true;
  const matches = globs.length === 0 ? () => false : picomatch([...globs], { dot: true });
  return (model) => model !== null && matches(model);
}

/** Throws `model-unavailable` when a run asks for a model that is not allowed: before anything is begun for it. */
export function checkRunModel({ model }: RunRequest, { isAllowed }: { isAllowed: ModelFilter }): void {
  if (model === null || isAllowed(model)) return;
  throw new RunError("model-unavailable", toForbiddenModel(model), { hint: MODEL_HINT });
}

/** What is said of a model that is not allowed. */
export function toForbiddenModel(model: string | null): string {
  const name = model === null ? "no model by name" : JSON.stringify(model.slice(0, 80));
  return `The run asked for ${name}, and this server allows others only (ALLOWED_MODELS).`;
}

export const MODEL_HINT = "Name another model, or have the operator add it to ALLOWED_MODELS.";
