import { findNearest } from "../text/nearest.ts";
import { UsageError } from "../trigger/cli/product.ts";
import { checkNames } from "./check-names.ts";
import type { Check } from "./check.ts";

/** The checks of these names, and those that they need; all for no name. Throws `UsageError` for a name that there is not. */
export function chooseChecks(checks: readonly Check[], { names }: { names: readonly string[] }): Check[] {
  if (names.length === 0) return [...checks];
  const chosen = new Set<string>();
  const add = (name: string): void => {
    const check = checks.find((one) => one.name === name);
    if (check === undefined) throw toUnknown(name);
    if (chosen.has(name)) return;
    chosen.add(name);
    for (const need of check.needs) add(need);
  };
  for (const name of names) add(name);
  return checks.filter(({ name }) => chosen.has(name));
}

function toUnknown(name: string): UsageError {
  const nearest = findNearest(name, checkNames);
  const meant = nearest === null ? "" : ` Did you mean ${nearest}?`;
  return new UsageError(`There is no check ${name}.${meant} There are: ${checkNames.join(", ")}.`);
}
