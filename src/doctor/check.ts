import type { CheckName } from "./check-names.ts";

/** What a check found: one sentence, and for a failure one that says how to mend it. */
export type Finding = { verdict: "passed"; detail: string } | { verdict: "failed"; detail: string; mend: string };

/** One line of the report, as `doctor --json` prints it. */
export type CheckResult = { name: CheckName; ok: boolean; detail: string; mend: string | null };

/** One step to prove. */
export type Check = {
  name: CheckName;
  /** Checks that must have passed before; when one has not, this one is not tried. */
  needs: readonly CheckName[];
  /** Longest it may take, in milliseconds. The signal aborts then, and a few seconds are left for tidying up. */
  timeoutMs: number;
  /** May reject: that is a failure of this step, told in the words of the error. */
  run(options: { signal: AbortSignal }): Promise<Finding>;
};

/** A step that works; the parts become one sentence, and `null` ones are left out. */
export function pass(...parts: (string | null)[]): Finding {
  return { verdict: "passed", detail: parts.filter((part) => part !== null).join("; ") };
}

/** A step that does not work, and what to do about it. */
export function fail(detail: string, { mend }: { mend: string }): Finding {
  return { verdict: "failed", detail, mend };
}
