import { type Mutation, toMutations } from "./mutation.ts";

/** Who may start runs, and who may still be pushed for. */
export const permissionMutations: Mutation[] = [
  ...toMutations({ file: "src/trigger/github/permission.ts", tests: ["test/trigger/github/permission.test.ts"] }, [
    ["permission-account", "the account is the signed one", "if (user?.id !== person.id)", "if (user?.id === 0)"],
    [
      "permission-lower",
      "a lower permission is refused",
      `return { verdict: "refused", account: "known", why`,
      `if (role !== "none") return { verdict: "allowed", permission: "write" };\n  return { verdict: "refused", account: "known", why`,
    ],
    [
      "permission-write",
      "write is asked for",
      `if (permission === "write") return`,
      `if (permission !== "none") return`,
    ],
    ["permission-not-found", "no collaborator is refused", "if (status === 404) return", "if (status === 0) return"],
    [
      "permission-failure",
      "nothing starts unchecked",
      `return { verdict: "unknown", why: status === null ?`,
      `if (status !== 1) return { verdict: "allowed", permission: "write" };\n    return { verdict: "unknown", why: status === null ?`,
    ],
    [
      "permission-unread",
      "an odd answer is no yes",
      "if (!answer.success) return",
      'if (!answer.success) return { verdict: "allowed", permission: "write" };\n  if (!answer.success) return',
    ],
    [
      "permission-everybody",
      "each of them is asked about",
      `if (decision.verdict !== "allowed") return decision;`,
      `if (decision.verdict !== "allowed" && index === 0) return decision;`,
    ],
    [
      "permission-nobody",
      "nobody is no yes",
      `let first: PermissionDecision = { verdict: "refused", account: "doubtful", why: "nobody asked" };`,
      `let first: PermissionDecision = { verdict: "allowed", permission: "write" };`,
    ],
  ]),
  ...toMutations({ file: "src/trigger/github/authority.ts", tests: ["test/trigger/github/authority.test.ts"] }, [
    ["authority-each", "each of them must be allowed", `if (authority.verdict !== "allowed") return authority;`, ""],
    [
      "authority-nobody",
      "nobody is no yes",
      `return people.length === 0 ? { verdict: "refused", why: "nobody asked" } : { verdict: "allowed" };`,
      `return { verdict: "allowed" };`,
    ],
    [
      "authority-least",
      "the repository's least permission",
      "if (isPermitted(decision.permission, { least: rules.permission })) return",
      "if (decision.permission) return",
    ],
    [
      "authority-doubtful",
      "a doubtful account is not on any list",
      `decision.account === "known" ? checkAllowed`,
      `decision.account !== null ? checkAllowed`,
    ],
    [
      "authority-team-owner",
      "only teams of the owner",
      "names.filter((name) => name.startsWith(own))",
      `names.filter((name) => name.includes("/"))`,
    ],
    ["authority-team-active", "only active members", `data.state === "active" ?`, `data.state !== "" ?`],
    [
      "authority-team-unseen",
      "a team that is not seen has no members",
      `if (status === 403 || status === 404 || status === 422) return "no";`,
      `if (status === 403 || status === 404 || status === 422) return { verdict: "allowed" };`,
    ],
    [
      "authority-team-failure",
      "nothing starts unchecked",
      `return { verdict: "unknown", why: status === null`,
      `if (status !== 1) return { verdict: "allowed" };\n    return { verdict: "unknown", why: status === null`,
    ],
  ]),
  ...toMutations({ file: "src/trigger/github/ask-permission.ts", tests: ["test/trigger/github/authority.test.ts"] }, [
    [
      "withdrawn-refused",
      "who lost the permission is not pushed for",
      "      return `${trigger.actor} may not write to the repository any more (${authority.why}).`;",
      "      return null;",
    ],
  ]),
  ...toMutations(
    {
      file: "src/trigger/github/person.ts",
      tests: [
        "test/trigger/github/app.test.ts",
        "test/trigger/github/real-payloads.test.ts",
        "test/trigger/github/places.test.ts",
      ],
    },
    [
      ["person-bot", "a bot is no person", `account?.type === "User" ?`, `account?.type ?`],
      ["person-sender", "the sender is asked about too", "others: author.id === from.id ? [] : [from]", "others: []"],
    ],
  ),
];
