import { mkdir, mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chooseOwner } from "../../src/container/container-spec.ts";
import { findRunImage } from "../../src/container/run-image.ts";
import { createMask } from "../../src/masking/mask.ts";
import type { CommandRoom } from "../../src/repo-commands/command-room.ts";
import { setUpWorkspace } from "../../src/repo-commands/set-up-workspace.ts";
import { verifyWork, type VerifyEnd } from "../../src/repo-commands/verify-work.ts";
import type { RunRequest } from "../../src/run/request.ts";
import { RunRules } from "../../src/run/rules.ts";
import { createSetUpCounts } from "../../src/set-up/set-up-counts.ts";
import { makeStateFolders, toStatePaths, type StatePaths } from "../../src/store/paths.ts";
import { cloneWorkspace, type Base } from "../../src/workspace/clone-workspace.ts";
import { collectChanges, type Collected } from "../../src/workspace/collect-changes.ts";
import { openWorkspace, type Workspace } from "../../src/workspace/workspace.ts";
import { createTestEngine, image } from "../container/container-fixture.ts";
import { removeFolder } from "../helpers/remove-folder.ts";
import { createRequest } from "../helpers/requests.ts";

export type SetupRunOptions = {
  /** The repository's address. */
  url: string;
  setup: string[];
  /** What the request has of its own. */
  request?: Partial<RunRequest>;
  rules?: Partial<RunRules>;
  image?: string;
};

/** One run up to its set-up, whose commands are then run as its checks are. */
export type SetupRun = {
  request: RunRequest;
  workspace: Workspace;
  base: Base;
  /** How long set-up took, in milliseconds. */
  setupMs: number;
  /** Runs commands as checks on what stands in the workspace; they see what an agent would. */
  look(commands: string[]): Promise<{ end: VerifyEnd; log: string }>;
  log(): Promise<string>;
  collect(): Promise<Collected>;
  end(): Promise<void>;
};

const never = new AbortController().signal;

/** A RUNS_PATH with the parts of a run that set-up needs, on the real engine. */
export class SetupLab implements AsyncDisposable {
  readonly engine = createTestEngine();
  readonly user = chooseOwner({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
  readonly #open: Workspace[] = [];
  readonly #folder: string;
  readonly paths: StatePaths;
  readonly setUps = createSetUpCounts();

  private constructor(folder: string, name: string) {
    this.#folder = folder;
    this.paths = toStatePaths(join(folder, name));
  }

  /** `name` is that of the RUNS_PATH. */
  static async open({ name = "runs" }: { name?: string } = {}): Promise<SetupLab> {
    const lab = new SetupLab(await mkdtemp(join(tmpdir(), "set-up-")), name);
    await makeStateFolders(lab.paths);
    return lab;
  }

  /** Clones, sets up, and says how long that took. Rejects as set-up does. */
  async run({
    url,
    setup,
    request: changes = {},
    rules = {},
    image: wanted = image,
  }: SetupRunOptions): Promise<SetupRun> {
    const request = createRequest({ ...changes, rules: RunRules.parse({ ...rules, setup }) });
    const { paths, user } = this;
    await mkdir(paths.runFolder(request.run_id));
    const workspace = await openWorkspace(request.run_id, { workRoot: paths.work });
    this.#open.push(workspace);
    const base = await cloneWorkspace(workspace, {
      ...{ url, baseRef: request.base, credential: null, mirrorRoot: paths.mirrors, signal: never },
      owner: process.getuid?.() === 0 ? user : null,
    });
    const room = this.#toRoom(workspace, wanted);
    const beganAt = performance.now();
    await setUpWorkspace(request, { ...room, base });
    const setupMs = performance.now() - beganAt;
    const log = () => readFile(join(paths.runFolder(request.run_id), "log.txt"), "utf8");
    return {
      ...{ request, workspace, base, setupMs, log },
      look: async (commands) => {
        const before = (await log()).length;
        const checked = { ...request, rules: { ...request.rules, verify: commands } };
        const end = await verifyWork(checked, { ...room, timeoutMs: 120_000 });
        return { end, log: (await log()).slice(before) };
      },
      collect: () => collectChanges(workspace, { base, patchPath: join(paths.runFolder(request.run_id), "a.patch") }),
      end: async () => await workspace[Symbol.asyncDispose](),
    };
  }

  #toRoom(workspace: Workspace, wanted: string): CommandRoom {
    const { engine, paths, user } = this;
    return {
      ...{ engine, workspace, paths, mask: createMask([]), attempt: 1, onCommand: () => {} },
      setUps: this.setUps,
      settings: {
        findImage: () => findRunImage(engine, { image: wanted, standard: image }),
        ...{ egressAllow: [], runtime: null, user, diskReserveBytes: 0 },
        limits: { memoryBytes: 2 ** 30, cpus: 2, pids: 256, diskBytes: 2 ** 30 },
        toEnginePath: async (path) => path,
      },
      signals: { cancel: never, detach: never },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const workspace of this.#open) await workspace[Symbol.asyncDispose]();
    removeFolder(this.#folder);
  }
}
