import { randomUUID } from "node:crypto";

/**
 * The first program of a container that runs commands of a repository, one after the other, each by a login shell of its
 * own, as the agent's are, that ends at the first line that fails; all of them print to one stream, so that their words stay in order. A line with the mark
 * tells which command ended, and how. Exit code 0 says that all passed, 1 that one did not, 79 that the kernel ended one of its
 * processes for want of memory, of which the engine does not always hear.
 */
const SCRIPT = `
exec 2>&1 </dev/null
unset TINI_KILL_PROCESS_GROUP
mark=$1
from=$2
shift 2
if [ -e /run/egress/e.sock ]; then
  parts=/opt/codex-runner
  "$parts/lib/ld.so" --library-path "$parts/lib" "$parts/bin/socat" \
    TCP-LISTEN:8377,bind=127.0.0.1,fork,reuseaddr,backlog=64,max-children=64 \
    UNIX-CONNECT:/run/egress/e.sock &
  for look in 1 2 3 4 5 6 7 8 9 10; do
    if grep -q ':20B9 .* 0A ' /proc/net/tcp; then break; fi
    sleep 0.05
  done
fi
if [ -n "$from" ]; then
  cp -a "$from/." /workspace/ || { printf '\\n%s 0 1\\n' "$mark"; exit 1; }
fi
[ -e "$HOME/.profile" ] || printf 'PATH="%s"\\n' "$PATH" >"$HOME/.profile"
shell=sh
if command -v bash >/dev/null; then shell=bash; fi
count=0
for command in "$@"; do
  count=$((count + 1))
  printf '\\n%s %s begun\\n' "$mark" "$count"
  "$shell" -l -c "set -e
$command"
  code=$?
  printf '\\n%s %s %s\\n' "$mark" "$count" "$code"
  if [ "$code" -eq 0 ]; then continue; fi
  for counts in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
    [ -r "$counts" ] || continue
    while read -r name times; do
      if [ "$name" = oom_kill ] && [ "$times" -gt 0 ]; then exit 79; fi
    done <"$counts"
  done
  exit 1
done
`;

const MARK_END = /^ (\d{1,3}) (begun|\d{1,3})$/;

/** What a line of the output says of a command, counted from 1; 0 is what was to be done before the first. */
export type CommandMark = { number: number; exitCode: number | null };

export type CommandScript = {
  /** What `sh -c` is given. */
  argv: string[];
  /** Null for a line that a command printed. */
  readMark(line: string): CommandMark | null;
};

export type ToCommandScriptOptions = {
  /** A folder of the container that is copied into the workspace first; null for none: an image may have folders of any name. */
  copyFrom: string | null;
};

/**
 * Makes the script for some commands. A command can find out the mark and print it: then the wrong command is named, and no
 * more, since whether all passed is told by the exit code.
 */
export function toCommandScript(commands: readonly string[], { copyFrom }: ToCommandScriptOptions): CommandScript {
  const mark = `codex-orchestrator:${randomUUID()}`;
  return {
    argv: [SCRIPT, "codex-orchestrator", mark, copyFrom ?? "", ...commands],
    readMark: (line) => {
      if (!line.startsWith(`${mark} `)) return null;
      const [, number, end] = MARK_END.exec(line.slice(mark.length)) ?? [];
      if (number === undefined || Number(number) > commands.length || Number(end) > 255) return null;
      return { number: Number(number), exitCode: end === "begun" ? null : Number(end) };
    },
  };
}
