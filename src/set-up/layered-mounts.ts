import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { HOME } from "../container/container-spec.ts";
import { type OverlayFolders, type OverlayMount, toOverlayOptions } from "../container/overlay-mount.ts";
import { RunError } from "../run/failure.ts";
import type { Workspace } from "../workspace/workspace.ts";
import { type Claim, readClaim } from "./claim.ts";
import { toLayerFolders } from "./layer.ts";

export type LayeredMountsOptions = {
  workspace: Workspace;
  /** The folder of the run's own that is the home of its containers; null for an empty one in memory. */
  homePath: string | null;
  toEnginePath: (path: string) => Promise<string>;
};

/** Folders of ours; the upper one and the kernel's are made beforehand. */
type Folders = OverlayFolders & { target: string };

/** How the agent sees its workspace and its home: above what set-up made. Null for a run without a layer. */
export async function findAgentMounts(
  options: LayeredMountsOptions & { access: "read-only" | "read-write" },
): Promise<OverlayMount[] | null> {
  const { workspace, homePath, access } = options;
  const claim = await readClaim(workspace);
  if (claim === null) return null;
  const layer = toLayerFolders(claim.layerPath);
  const { treePath } = workspace;
  const tree: OverlayFolders =
    access === "read-only"
      ? { lower: [treePath, layer.treePath], upper: null }
      : { lower: [layer.treePath], upper: await toUpper(treePath, { claim, name: "agent-ws" }) };
  const home = homePath === null ? null : await toUpper(homePath, { claim, name: "agent-home" });
  return toMounts(options, [
    { target: "/workspace", ...tree },
    ...(home === null ? [] : [{ target: HOME, lower: [layer.homePath], upper: home }]),
  ]);
}

/** How checks see what the agent left: below, so that nothing they write comes into it. Null for a run without a layer. */
export async function findCheckMounts(
  options: LayeredMountsOptions & {
    /** Empty folders that take what the checks write. */
    copies: { treePath: string; homePath: string };
  },
): Promise<OverlayMount[] | null> {
  const { workspace, homePath, copies } = options;
  const claim = await readClaim(workspace);
  if (claim === null) return null;
  const layer = toLayerFolders(claim.layerPath);
  const upper = await toUpper(copies.treePath, { claim, name: "check-ws" });
  const home = { upper: await toUpper(copies.homePath, { claim, name: "check-home" }), target: HOME };
  return toMounts(options, [
    { target: "/workspace", lower: [workspace.treePath, layer.treePath], upper },
    ...(homePath === null ? [] : [{ ...home, lower: [homePath, layer.homePath] }]),
  ]);
}

/** How set-up sees the workspace: below, so that what it makes lies apart. Null when that cannot be mounted. */
export async function findDraftMount({
  workspace,
  toEnginePath,
}: Omit<LayeredMountsOptions, "homePath">): Promise<OverlayMount | null> {
  const claim = await readClaim(workspace);
  if (claim === null) return null;
  const upper = await toUpper(toLayerFolders(claim.layerPath).treePath, { claim, name: "draft" });
  return toMount({ target: "/workspace", lower: [workspace.treePath], upper }, { toEnginePath });
}

async function toUpper(path: string, { claim, name }: { claim: Claim; name: string }) {
  const workPath = join(claim.kernelPath, name);
  await mkdir(workPath, { recursive: true, mode: 0o700 });
  return { path, workPath };
}

async function toMounts({ toEnginePath }: LayeredMountsOptions, folders: Folders[]): Promise<OverlayMount[]> {
  const mounts = await Promise.all(folders.map((one) => toMount(one, { toEnginePath })));
  return mounts.map((mount) => {
    if (mount !== null) return mount;
    throw new RunError("container-refused", "The folders of the run have names that the engine cannot mount.", {
      hint: "Choose a short RUNS_PATH without commas, colons and blanks.",
    });
  });
}

async function toMount(
  { target, lower, upper }: Folders,
  { toEnginePath }: Pick<LayeredMountsOptions, "toEnginePath">,
): Promise<OverlayMount | null> {
  const options = toOverlayOptions({
    lower: await Promise.all(lower.map(toEnginePath)),
    upper:
      upper === null ? null : { path: await toEnginePath(upper.path), workPath: await toEnginePath(upper.workPath) },
  });
  return options === null ? null : { target, options };
}
