import type { BindMount, ConfinedOptions, ContainerSpec } from "./container-spec.ts";
import { isUncovered, toConfinedSpec, toHomeMounts } from "./container-spec.ts";

/** What commands of a repository are run for: before the agent, or on what it left. */
export type CommandPurpose = "setup" | "verify";

export type ToCommandSpecOptions = ConfinedOptions & {
  purpose: CommandPurpose;
  /** What the shell is given, as its arguments after `-c`. */
  argv: string[];
  /** Variables besides those that every container of a run has. */
  variables?: Record<string, string>;
  /** Absolute folders on the engine's machine, and where they appear. All must exist. */
  mounts: { source: string; target: string; access: BindMount["access"] }[];
};

/**
 * A container for commands of a repository's own. The same as the agent's but for what it lacks: no way to the model, no
 * prompt, no variables, no thread.
 */
export function toCommandSpec(options: ToCommandSpecOptions): ContainerSpec {
  const { runId, attempt, purpose, argv, variables, mounts } = options;
  const confined = toConfinedSpec(options);
  return {
    ...confined,
    name: `codex-${purpose}-${runId}-a${attempt}`,
    entrypoint: ["/bin/sh", "-c"],
    command: argv,
    env: { ...confined.env, CI: "true", ...variables },
    mounts: [
      ...mounts.map((mount) => ({ ...mount, propagation: "rprivate" as const })),
      ...toHomeMounts(options),
    ].filter(isUncovered(options)),
  };
}
