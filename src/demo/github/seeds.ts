import { PROJECT_FILES } from "./project-files.ts";

/** What somebody may do on a repository, least first in rank: none, read, triage, write, maintain, admin. */
export type Role = "admin" | "maintain" | "write" | "triage" | "read" | "none";

/** An account. Ids are GitHub's kind of ids: large, and never equal to another kind's. */
export type Person = { login: string; id: number; name: string; type: "User" | "Bot" };

/** A repository to begin with. */
export type RepositorySeed = {
  /** `owner/name`. The owner is the organization or one of the people. */
  name: string;
  visibility: "public" | "private";
  /** Content of the first commit on `main`, by path. No files: an empty repository, without any branch. */
  files: Record<string, string>;
  /** Roles by login; who is not named is a stranger. The owner is admin anyway. */
  roles: Record<string, Role>;
};

/** An issue, and what was said on it before the demo begins. */
export type IssueSeed = { author: string; title: string; body: string; comments: { author: string; body: string }[] };

/** The GitHub App that the stand-in knows. */
export const APP = {
  id: 384_001,
  slug: "codex-orchestrator",
  name: "Codex Orchestrator",
  installationId: 52_700_042,
  permissions: {
    actions: "read",
    checks: "write",
    contents: "write",
    issues: "write",
    metadata: "read",
    pull_requests: "write",
  },
  events: ["issue_comment", "pull_request_review_comment", "pull_request_review", "issues", "pull_request"],
} as const;

/** The account that the App acts as. */
export const BOT: Person = { login: `${APP.slug}[bot]`, id: 148_300_111, name: APP.name, type: "Bot" };

/** The organization that owns the demo's repository. */
export const ORGANIZATION = { login: "octo-org", id: 9_919_001, name: "Octo Org" } as const;

/** The people of the demo, named after what they may do; `renovate` is a bot by type, though its name does not say so. */
export const PEOPLE: Person[] = [
  { login: "octocat", id: 583_231, name: "Mona Octocat", type: "User" },
  { login: "alma-admin", id: 583_232, name: "Alma Admin", type: "User" },
  { login: "wendy-write", id: 583_233, name: "Wendy Write", type: "User" },
  { login: "mark-maintain", id: 583_234, name: "Mark Maintain", type: "User" },
  { login: "tara-triage", id: 583_235, name: "Tara Triage", type: "User" },
  { login: "rita-read", id: 583_236, name: "Rita Read", type: "User" },
  { login: "nora-none", id: 583_237, name: "Nora None", type: "User" },
  { login: "renovate", id: 29_139_614, name: "Renovate", type: "Bot" },
];

/** The demo's repository; `octocat` is the writer who asks for the run. */
export const HELLO: RepositorySeed = {
  name: "octo-org/hello",
  visibility: "public",
  files: PROJECT_FILES,
  roles: {
    octocat: "write",
    "alma-admin": "admin",
    "wendy-write": "write",
    "mark-maintain": "maintain",
    "tara-triage": "triage",
    "rita-read": "read",
    renovate: "write",
  },
};

/** The open issue that the demo is about. */
export const EMAIL_ISSUE: IssueSeed = {
  author: "rita-read",
  title: "Add an email validator",
  body: `The greeting form asks for an email address, but everything is accepted, even \`ada@@example\`.

A validator like \`required\` would do: \`null\` when the address is fine, else a sentence for people. It need not know
every corner of RFC 5322, but it should refuse blanks, a second \`@\` and a domain without a dot.
`,
  comments: [{ author: "wendy-write", body: "Makes sense. Please export it from `src/index.ts` like the others." }],
};

/** What happened in the repository before: numbers and ids of different kinds have drifted apart, as they do. */
export const EARLIER_ISSUES: IssueSeed[] = [
  {
    author: "rita-read",
    title: "greet() without a name says “Hello, undefined!”",
    body: "Should it greet the world instead?",
    comments: [
      { author: "wendy-write", body: "It should. Fixed in 1.1.0." },
      { author: "rita-read", body: "Works, thank you." },
    ],
  },
  {
    author: "tara-triage",
    title: "Names with blanks around them look odd",
    body: "`greet(' Ada ')` keeps the blanks.",
    comments: [{ author: "mark-maintain", body: "Trimmed since 1.1.1." }],
  },
  {
    author: "wendy-write",
    title: "A limit for long names",
    body: "The form breaks when somebody pastes a novel.",
    comments: [
      { author: "octocat", body: "`maxLength` it is." },
      { author: "wendy-write", body: "Counting characters, not code units, please." },
      { author: "octocat", body: "Done in 1.2.0." },
    ],
  },
];
