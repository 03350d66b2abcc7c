// Makes a fresh clone ready, in plain JavaScript without dependencies, so that it runs on whatever Node is there (18 or
// newer) before anything is installed. What is done already costs next to nothing and says nothing.

import { requireNode } from "./find-node.mjs";
import { installDependencies } from "./install-dependencies.mjs";
import { prepareImage } from "./prepare-image.mjs";
import { prepareMachine } from "./prepare-machine.mjs";
import { SetUpError } from "./set-up-error.mjs";

/**
 * @typedef {"engine" | "postgres" | "peers" | "browser" | "busybox" | "systemd"} Need what a command needs besides the npm packages, Node and git. `engine`: a Docker
 *   engine that answers, and the runner image. `postgres`: the programs of PostgreSQL, of which the tests start their own.
 *   `peers`: the MCP clients of test/mcp-peers. `browser`: Chromium, for the tests of the pages.
 *   `busybox`: a static one, of which the tests make an image. `systemd`: its programs, which judge our unit.
 */

/**
 * Makes ready what a command needs. Rejects with a `SetUpError` that says what is missing and what to do.
 *
 * @param {{ needs: Need[] }} options
 * @returns {Promise<string>} the Node to go on with
 */
export async function setUp({ needs }) {
  await settleAll([installDependencies({ needs }), prepareMachine({ needs })]);
  const node = requireNode();
  if (needs.includes("engine")) await prepareImage({ node });
  return node;
}

/** Waits for all steps, so that none goes on behind an error, then rejects with everything that went wrong. */
async function settleAll(/** @type {Promise<void>[]} */ steps) {
  const errors = (await Promise.allSettled(steps)).flatMap((step) => (step.status === "rejected" ? [step.reason] : []));
  const unexpected = errors.find((error) => !(error instanceof SetUpError));
  if (unexpected) throw unexpected;
  if (errors.length > 0) throw new SetUpError(errors.map((error) => error.message).join("\n"));
}
