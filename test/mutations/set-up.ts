import { type Mutation, toMutations } from "./mutation.ts";

/** Whose set-up a run gets. */
const keys = toMutations({ file: "src/set-up/layer-key.ts", tests: ["test/set-up/layer-key.test.ts"] }, [
  ["set-up-fork", "a fork's code shares nothing", `request.pull?.head === "fork" || `, ""],
  ["set-up-kept", "more than a commit is not shared", ` || request.resume?.changes === "kept"`, ""],
  ["set-up-repository", "a repository's own", "FORMAT, basename(base.mirrorPath), branch,", "FORMAT, branch,"],
  [
    "set-up-branch",
    "a branch's own",
    "basename(base.mirrorPath), branch, imageId",
    "basename(base.mirrorPath), imageId",
  ],
  ["set-up-image", "an image's own", "branch, imageId, user.uid", "branch, user.uid"],
  ["set-up-commands", "of the same commands", "rules.setup, files];", "files];"],
  ["set-up-files", "of the same lockfiles", "rules.setup, files];", "rules.setup];"],
]);

/** What a layer must not bring along. */
const strip = toMutations({ file: "src/set-up/strip-layer.ts", tests: ["test/set-up/strip-layer.test.ts"] }, [
  ["set-up-git", "no .git comes from a layer", `path === ".git" || `, ""],
  ["set-up-tracked", "no file of the repository comes from a layer", "entries.has(path) || ", ""],
  ["set-up-removed", "no removed folder comes from a layer", " || (folders.has(path) && !isFolder)", ""],
]);

/** What is there counts only as a whole, and what a run uses stays. */
const store = [
  ...toMutations({ file: "src/set-up/layer-store.ts", tests: ["test/set-up/layers.test.ts"] }, [
    ["set-up-broken", "what lies in the way of a layer is removed", "      await removeTree(layerPath);\n", ""],
  ]),
  ...toMutations({ file: "src/set-up/prune-layers.ts", tests: ["test/set-up/layers.test.ts"] }, [
    ["set-up-used", "a layer in use is not removed", "!used.has(join(toLayersPath(paths), name))", "used.size >= 0"],
  ]),
  ...toMutations({ file: "src/set-up/claim.ts", tests: ["test/set-up/layers.test.ts"] }, [
    ["set-up-kernel", "no two mounts get one folder of the kernel's", ".find((path) => !taken.has(path))", "[0]"],
  ]),
];

/** What an overlay may do, and which mount counts as one. */
const overlay = toMutations(
  { file: "src/container/overlay-mount.ts", tests: ["test/container/overlay-mount.test.ts"] },
  [
    ["set-up-nosuid", "set-user-id bits mean nothing", `"nosuid", "nodev", `, `"nodev", `],
    ["set-up-read-only", "nothing above means read-only", `upper === null ? ["ro"]`, `upper === null ? [""]`],
    ["set-up-names", "no folder's name adds options", "isPlain && Buffer", "Buffer"],
  ],
);

export const setUpMutations: Mutation[] = [...keys, ...strip, ...store, ...overlay];
