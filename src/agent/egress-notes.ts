import type { EgressEvent } from "../gateway/tunnels.ts";

/** What a run's commands reached on the network, and what was refused to them, as lines of its log. */
export type EgressNotes = {
  /** Makes a line of the first event of its kind. */
  note: (event: EgressEvent) => void;
  /** Hands over the lines so far, and from now on each at once. */
  listen(write: (line: string) => void): void;
};

/** More hosts than any list has; a command can make up names without end. */
const MAX_LINES = 200;

/** Makes the notes of one run. */
export function createEgressNotes(): EgressNotes {
  const lines = new Set<string>();
  let tell: ((line: string) => void) | null = null;
  return {
    note({ host, refused }) {
      const line = refused === null ? `[egress: reached ${host}]` : `[egress: ${refused}]`;
      if (lines.has(line) || lines.size >= MAX_LINES) return;
      lines.add(line);
      tell?.(line);
    },
    listen(write) {
      tell = write;
      for (const line of lines) write(line);
    },
  };
}
