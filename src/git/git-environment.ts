/** A way git may reach another repository. Anything else (ssh, git, ext) is always refused. */
export type GitProtocol = "https" | "http" | "file";

/** What one git child may show to a server. It lives in the environment of that child only: not in argv, not in a file. */
export type GitCredential = {
  /** The origin the header is for, such as `https://github.com`. Git does not send it anywhere else, nor after a redirect. */
  origin: string;
  /** The value of the Authorization header. */
  authorization: string;
};

/** Whose name stands on a commit. `date` is anything git takes without looking at the clock, such as `1700000000 +0000`. */
export type GitPerson = { name: string; email: string; date: string };
export type GitIdentity = { author: GitPerson; committer: GitPerson };

export type GitOptions = {
  /** The repository. Always one that only the host can write. */
  gitDir?: string;
  indexFile?: string;
  /** Only ever a folder that no container has written to yet. */
  workTree?: string;
  cwd?: string;
  credential?: GitCredential | null;
  /** How another repository may be reached; default https only. */
  protocols?: GitProtocol[];
  identity?: GitIdentity;
  /** The list of shallow commits to believe in place of the repository's own. */
  shallowFile?: string;
  signal?: AbortSignal;
};

/**
 * The whole environment of a git child. Nothing of the host's own environment is in it but PATH: no GIT_*, no proxy, no
 * NODE_OPTIONS, no home folder with a configuration.
 */
export function toGitEnvironment(options: GitOptions): Record<string, string> {
  return {
    // Where programs are is the one thing a child cannot know by itself; git also looks for its own helpers there.
    PATH: process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
    LC_ALL: "C",
    HOME: "/nonexistent",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_NO_LAZY_FETCH: "1",
    GIT_OPTIONAL_LOCKS: "0",
    // Later versions of git may have other defaults; what reads our repositories counts on these.
    GIT_DEFAULT_HASH: "sha1",
    GIT_DEFAULT_REF_FORMAT: "files",
    GIT_ALLOW_PROTOCOL: toProtocols(options).join(":"),
    ...(options.gitDir === undefined ? {} : { GIT_DIR: options.gitDir }),
    ...(options.indexFile === undefined ? {} : { GIT_INDEX_FILE: options.indexFile }),
    ...(options.workTree === undefined ? {} : { GIT_WORK_TREE: options.workTree }),
    ...(options.shallowFile === undefined ? {} : { GIT_SHALLOW_FILE: options.shallowFile }),
    ...(options.credential ? toCredentialEnvironment(options.credential) : {}),
    ...(options.identity ? toIdentityEnvironment(options.identity) : {}),
  };
}

/** Our own settings, most of them secret, and what has a program load code that is not its own. */
const WITHHELD =
  /^(?:(?:OPENAI|CODEX|GITHUB|MCP|DASHBOARD|WEBHOOK|OTEL|LD|DYLD|GIT)_.*|APP_ID|DATABASE_URL|PRIVATE_KEY(?:_PATH)?|BASH_ENV|ENV|NODE_OPTIONS)$/i;

/** The environment of a program of this machine that is not git: its settings, such as mirrors and proxies, without ours. */
export function toToolEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !WITHHELD.test(name)));
}

/** The settings that every git child gets by `-c`, as `name=value`. They outrank whatever a repository's own file says. */
export function toGitSettings(options: GitOptions): string[] {
  return [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "core.autocrlf=false",
    "core.quotePath=true",
    "credential.helper=",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=no",
    "fetch.fsckObjects=true",
    // Flaws of old tools that many honest repositories carry for ever, and that no one can use for anything.
    "fetch.fsck.zeroPaddedFilemode=ignore",
    "fetch.fsck.missingSpaceBeforeDate=ignore",
    "fetch.fsck.badTimezone=ignore",
    "transfer.credentialsInUrl=die",
    "http.followRedirects=false",
    // A server that sends less than 1,000 bytes a second for a minute is taken for dead.
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
    "commit.gpgSign=false",
    "push.gpgSign=false",
    "protocol.allow=never",
    ...toProtocols(options).map((protocol) => `protocol.${protocol}.allow=always`),
    ...(options.workTree === undefined ? [] : ["core.bare=false"]),
  ];
}

function toProtocols({ protocols = ["https"] }: GitOptions): GitProtocol[] {
  return protocols;
}

function toCredentialEnvironment({ origin, authorization }: GitCredential): Record<string, string> {
  return {
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: `http.${origin}/.extraHeader`,
    GIT_CONFIG_VALUE_0: `Authorization: ${authorization}`,
  };
}

function toIdentityEnvironment({ author, committer }: GitIdentity): Record<string, string> {
  return {
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_AUTHOR_DATE: author.date,
    GIT_COMMITTER_NAME: committer.name,
    GIT_COMMITTER_EMAIL: committer.email,
    GIT_COMMITTER_DATE: committer.date,
  };
}
