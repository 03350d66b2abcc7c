import { tmpdir } from "node:os";
import { runGit } from "../git/git.ts";
import { fail, pass, type Finding } from "./check.ts";
import { isOlder, parseVersion } from "./compare-versions.ts";

/** The oldest git whose plumbing the product is tried with. */
const OLDEST = [2, 30];
const MEND = "Install git 2.30 or newer: https://git-scm.com/downloads.";

/** Whether the host's git is there and new enough. */
export async function checkGit({ signal }: { signal: AbortSignal }): Promise<Finding> {
  try {
    const { stdout } = await runGit(["--version"], { cwd: tmpdir(), signal });
    return judgeGitVersion(stdout.toString("utf8").trim());
  } catch (error) {
    signal.throwIfAborted();
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const why = error instanceof Error ? error.message : String(error);
    return fail(isMissing ? "there is no git in PATH" : `git could not be run: ${why}`, { mend: MEND });
  }
}

/** Judges what `git --version` says. */
export function judgeGitVersion(text: string): Finding {
  const version = parseVersion(text);
  if (version.length < 2) return fail("git does not say its version", { mend: MEND });
  if (isOlder(version, OLDEST)) return fail(`${text} is older than ${OLDEST.join(".")}`, { mend: MEND });
  return pass(text);
}
