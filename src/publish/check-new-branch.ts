import { isOnStandingBranch } from "../run/continue-run.ts";
import type { RunRequest } from "../run/request.ts";
import { readBranch } from "./deliver-commit.ts";
import type { Destination } from "./destination.ts";
import { PushError } from "./push.ts";

/**
 * Refuses a run whose branch is there already though it is the run's to make, while nothing is paid for yet. Where the other
 * side does not say, the push does, which makes the branch or does nothing. Rejects with a `PushError`.
 */
export async function checkNewBranch(
  request: RunRequest,
  { mirrorPath, destination }: { mirrorPath: string; destination: Destination },
): Promise<void> {
  const { branch, mode } = request;
  if (branch === null || mode === "ask" || destination.publishing === "none" || isOnStandingBranch(request)) return;
  const found = await destination
    .readCredential()
    .then((credential) => readBranch(branch, { mirrorPath, destination, credential }))
    .catch(() => null);
  if (found === null) return;
  throw new PushError(`The branch ${branch} exists already, and a run only pushes to a branch that it makes itself.`, {
    kind: "conflict",
    hint: "Name another branch, or go on with this one by a command on its pull request.",
  });
}
