import { z } from "zod";

/** The most variables one run may be given, and the most bytes of UTF-8 that their names and values may take together. */
const MAX_NAMES = 64;
const MAX_BYTES = 32 * 1024;

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** What stands for every value wherever it is shown. */
export const HIDDEN_VALUE = "***";

/**
 * The names that nobody may set, each with the reason: what they would change is not the agent's commands, but what carries
 * them. The loader's are those that it drops for privileged programs itself (ld.so(8)).
 */
const refusedNames: { names: RegExp; why: string }[] = [
  { names: /^(?:GIT_.*|XDG_CONFIG_HOME|SSH_ASKPASS)$/, why: "it steers git" },
  { names: /^(?:CODEX_.*|OPENAI_.*|RUST_LOG)$/, why: "it steers Codex" },
  {
    names: /^(?:LD_.*|DYLD_.*|MALLOC_.*|GLIBC_TUNABLES|GCONV_PATH|GETCONF_DIR|LOCPATH|NLSPATH)$/,
    why: "it steers how programs are loaded",
  },
  {
    names: /^(?:HOSTALIASES|LOCALDOMAIN|RES_OPTIONS|RESOLV_HOST_CONF|NIS_PATH)$/,
    why: "it steers how names of hosts are found",
  },
  { names: /^.*_PROXY$/i, why: "it steers the way to the network, and there is none but to the model" },
  {
    names: /^(?:PATH|IFS|ENV|CDPATH|SHELL|SHELLOPTS|GLOBIGNORE|EXECIGNORE|FUNCNEST|POSIXLY_CORRECT|PS[0-4])$/,
    why: "it steers the shell",
  },
  {
    names: /^(?:BASH.*|PROMPT_COMMAND|TMOUT|LINENO|OPTIND|OPTARG|OPTERR|MAIL|MAILCHECK|MAILPATH|ZDOTDIR)$/,
    why: "it steers the shell",
  },
  { names: /^(?:_|UID|EUID|PPID|PWD|OLDPWD|GROUPS|DIRSTACK|SECONDS|RANDOM)$/, why: "it is the shell's own" },
  { names: /^(?:HOME|USER|LOGNAME|HOSTNAME|TMPDIR|TZDIR)$/, why: "it belongs to the container" },
  { names: /^(?:NODE_OPTIONS|PERL5OPT|RUBYOPT)$/, why: "by it code is run in programs that are not the agent's" },
];

/**
 * Variables of a run's commands. Refuses more of them than a run may have, names that are none or steer what carries the
 * commands, and values that no environment can hold; each message names the variable.
 */
export const EnvVars = z.record(z.string(), z.string()).superRefine((variables, context) => {
  const entries = Object.entries(variables);
  for (const [name, value] of entries) {
    const problem = findProblem(name, { value });
    if (problem !== null) context.addIssue({ code: "custom", message: problem, path: [name] });
  }
  if (entries.length > MAX_NAMES)
    context.addIssue({
      code: "custom",
      message: `There are ${entries.length} variables; a run may have ${MAX_NAMES}.`,
    });
  const bytes = entries.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0);
  if (bytes > MAX_BYTES)
    context.addIssue({
      code: "custom",
      message: `The variables take ${bytes} bytes together; a run may have ${MAX_BYTES}.`,
    });
});
export type EnvVars = z.infer<typeof EnvVars>;

function findProblem(name: string, { value }: { value: string }): string | null {
  if (!NAME.test(name))
    return `${JSON.stringify(name.slice(0, 40))} is no name of a variable: letters, digits and underscores, at most 128.`;
  const refused = refusedNames.find(({ names }) => names.test(name));
  if (refused !== undefined) return `The variable ${name} cannot be set: ${refused.why}.`;
  if (value.includes("\0"))
    return `The value of the variable ${name} holds a NUL character, which no environment can hold.`;
  if (!value.isWellFormed()) return `The value of the variable ${name} is no valid text: it holds half a character.`;
  return null;
}

/** The same names, with `***` for every value. */
export function hideValues(variables: EnvVars | null): EnvVars | null {
  if (variables === null) return null;
  return Object.fromEntries(Object.keys(variables).map((name) => [name, HIDDEN_VALUE]));
}

/** The variables as a file that a POSIX shell reads: one assignment each, which nothing in a value can leave. */
export function toShellAssignments(variables: EnvVars): string {
  const lines = Object.entries(variables).map(
    ([name, value]) => `export ${name}='${value.replaceAll("'", String.raw`'\''`)}'\n`,
  );
  return lines.join("");
}
