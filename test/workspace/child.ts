import { crashAtStep } from "../../src/steps.ts";
import { cloneWorkspace } from "../../src/workspace/clone-workspace.ts";
import { collectChanges } from "../../src/workspace/collect-changes.ts";
import { discardWorkspace, reopenWorkspace } from "../../src/workspace/reopen-workspace.ts";
import { openWorkspace } from "../../src/workspace/workspace.ts";
import type { ChildOrder } from "./run-child.ts";

const order = JSON.parse(process.argv[2] ?? "") as ChildOrder;
const { runId, workRoot, mirrorRoot, url, patchPath } = order;
if (order.crashAt !== null) crashAtStep(order.crashAt);
process.stdout.write("ready\n");
const actions = { clone, collect, discard };
await actions[order.action]();

async function clone(): Promise<void> {
  const workspace = await openWorkspace(runId, { workRoot });
  const { signal } = new AbortController();
  await cloneWorkspace(workspace, { url, baseRef: "main", credential: null, mirrorRoot, owner: null, signal });
}

async function collect(): Promise<void> {
  const { workspace, base } = await reopenWorkspace(runId, { workRoot });
  if (base === null) throw new Error("there is no complete clone");
  await collectChanges(workspace, { base, patchPath });
}

async function discard(): Promise<void> {
  await discardWorkspace(runId, { workRoot });
}
