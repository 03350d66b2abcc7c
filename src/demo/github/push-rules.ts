import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PushCommands, PushRefusal } from "./pkt-line.ts";
import { runGit } from "./run-git.ts";

/** A push to refuse, in GitHub's words. */
export type PushFault = {
  /** Full name of the reference it is for; any when left out. */
  ref?: string;
  /** How often it happens (default 1). */
  times?: number;
} & (
  | { kind: "protected-branch" }
  | { kind: "ruleset" }
  | { kind: "large-file"; path: string }
  | { kind: "other"; lines: string[]; reason: string }
);

/** The words of GitHub for a fault on one reference. */
export function toRefusal(fault: PushFault, ref: string): PushRefusal {
  const rule = ["", "- Changes must be made through a pull request.", ""];
  switch (fault.kind) {
    case "protected-branch":
      return {
        lines: [`error: GH006: Protected branch update failed for ${ref}.`, ...rule],
        reason: "protected branch hook declined",
      };
    case "ruleset":
      return {
        lines: [`error: GH013: Repository rule violations found for ${ref}.`, ...rule],
        reason: "push declined due to repository rule violations",
      };
    case "large-file":
      return {
        lines: [
          "error: Trace: 8f14e45fceea167a5a36dedd4bea2543",
          "error: See https://gh.io/lfs for more information.",
          `error: File ${fault.path} is 120.00 MB; this exceeds GitHub's file size limit of 100.00 MB`,
          "error: GH001: Large files detected. You may want to try Git Large File Storage - https://git-lfs.github.com.",
        ],
        reason: "pre-receive hook declined",
      };
    case "other":
      return { lines: fault.lines, reason: fault.reason };
  }
}

/** The faults that are still to happen. */
export type PushFaultList = {
  add(fault: PushFault): void;
  /** Uses up the first fault that fits one of the references. */
  take(commands: PushCommands): PushRefusal | null;
};

/** An empty list. */
export function createPushFaultList(): PushFaultList {
  const faults: { fault: PushFault; left: number }[] = [];
  return {
    add: (fault) => void faults.push({ fault, left: fault.times ?? 1 }),
    take({ updates }) {
      for (const { ref } of updates) {
        const found = faults.find(({ fault, left }) => left > 0 && (fault.ref ?? ref) === ref);
        if (found === undefined) continue;
        found.left -= 1;
        return toRefusal(found.fault, ref);
      }
      return null;
    },
  };
}

/**
 * GitHub takes no workflow files from an App without the `workflows` permission. The pack is unpacked beside the
 * repository to look into it, as git itself does before it accepts a push.
 */
export async function checkWorkflowFiles(
  gitDir: string,
  push: { body: Buffer; commands: PushCommands },
): Promise<PushRefusal | null> {
  const tips = push.commands.updates.map(({ newSha }) => newSha).filter((sha) => !/^0+$/.test(sha));
  const pack = push.body.subarray(push.commands.packAt);
  if (tips.length === 0 || pack.length === 0) return null;
  const quarantine = await mkdtemp(join(tmpdir(), "push-"));
  try {
    const environment = {
      GIT_OBJECT_DIRECTORY: quarantine,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: join(gitDir, "objects"),
    };
    await runGit(["unpack-objects", "-q"], { gitDir, environment, stdin: pack });
    const args = [
      "log",
      "--format=",
      "--name-only",
      "--root",
      "-m",
      ...tips,
      "--not",
      "--all",
      "--",
      ".github/workflows",
    ];
    const paths = (await runGit(args, { gitDir, environment })).toString().split("\n").filter(Boolean);
    const [path] = paths;
    if (path === undefined) return null;
    const reason = `refusing to allow a GitHub App to create or update workflow \`${path}\` without \`workflows\` permission`;
    return { lines: [], reason };
  } finally {
    await rm(quarantine, { recursive: true, force: true });
  }
}
