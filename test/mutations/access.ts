import { type Mutation, toMutations } from "./mutation.ts";

const http = "src/trigger/mcp/http";
const httpTests = "test/trigger/mcp/http";
const pages = "src/web/pages";
const pageTests = ["test/web/who-sees-pages.test.ts", "test/web/actions.test.ts", "test/web/pages.test.ts"];

/** Who may call over MCP. */
const mcp = [
  ...toMutations({ file: `${http}/check-caller.ts`, tests: [`${httpTests}/check-caller.test.ts`] }, [
    ["mcp-place", "Host and Origin are looked at", `if (place !== "allowed") return`, `if (place === null) return`],
    [
      "mcp-token",
      "nobody without a token",
      "if (principal !== null) return",
      `if (principal !== null || authorization === undefined) return`,
    ],
  ]),
  ...toMutations({ file: `${http}/check-origin.ts`, tests: [`${httpTests}/check-caller.test.ts`] }, [
    ["mcp-host", "no foreign name in Host", `if (!isOwnHost(asked, options)) return { refused: "host" };`, ""],
    [
      "mcp-origin",
      "no foreign page",
      `return isOwnOrigin(asked, options) ? "allowed" : { refused: "origin" };`,
      `return "allowed";`,
    ],
    [
      "mcp-origin-null",
      "Origin null is foreign",
      "if (origin === undefined) return true;",
      `if (origin === undefined || origin === "null") return true;`,
    ],
    [
      "mcp-host-every",
      "HOST for all addresses is no name",
      `name === null || name === "0.0.0.0" || name === "[::]" ? [] : [name]`,
      "name === null ? [] : [name]",
    ],
  ]),
  ...toMutations({ file: `${http}/tokens.ts`, tests: [`${httpTests}/tokens.test.ts`] }, [
    [
      "mcp-own-token",
      "MCP_AUTH_TOKEN is compared",
      "if (own !== null && timingSafeEqual(own, digest)) {",
      "if (own !== null) {",
    ],
    [
      "mcp-entry",
      "tokens of the file are compared",
      `if (timingSafeEqual(Buffer.from(entry.sha256, "hex"), digest)) found = entry;`,
      "found = entry;",
    ],
    ["mcp-expiry", "a token expires", " || isExpired(entry, clock())", ""],
    ["mcp-foreign", "a foreign credential is never tried", " || isForeignCredential(token)", ""],
    [
      "mcp-scopes",
      "a token has its scopes",
      "createPrincipal(name, { scopes, repositories, workspacePath })",
      `createPrincipal(name, { scopes: ["run", "read", "cancel"], repositories, workspacePath })`,
    ],
    [
      "mcp-repositories",
      "a token has its repositories",
      "createPrincipal(name, { scopes, repositories, workspacePath })",
      "createPrincipal(name, { scopes, repositories: null, workspacePath })",
    ],
  ]),
  ...toMutations({ file: `${http}/session.ts`, tests: [`${httpTests}/session.test.ts`] }, [
    [
      "mcp-session",
      "a session is signed",
      `timingSafeEqual(Buffer.from(id), Buffer.from(sign(uuid, sessionKey))) ?`,
      `sign(uuid, sessionKey) !== "" ?`,
    ],
    ["mcp-session-ended", "an ended session is over", " || ended.has(id)", ""],
    [
      "mcp-session-memory",
      "ended sessions take little memory",
      "if (ended.size > MAX_ENDED && oldest",
      "if (ended.size > Infinity && oldest",
    ],
  ]),
  ...toMutations(
    { file: `${http}/read-message.ts`, tests: [`${httpTests}/read-message.test.ts`, `${httpTests}/route.test.ts`] },
    [
      [
        "mcp-body-announced",
        "no announced giant",
        "> MAX_BODY_BYTES) return tooLarge;\n  const parts",
        "> Infinity) return tooLarge;\n  const parts",
      ],
      ["mcp-body-counted", "a body is counted", "if (bytes > MAX_BODY_BYTES) return tooLarge;", ""],
      [
        "mcp-body-type",
        "only JSON",
        `if (!/^application\\/json\\s*(?:;|$)/i.test(request.headers["content-type"] ?? ""))`,
        `if (request.headers["content-type"] === "-")`,
      ],
    ],
  ),
  ...toMutations({ file: "src/trigger/mcp/name-filter.ts", tests: ["test/trigger/mcp/principal.test.ts"] }, [
    ["mcp-names-plain", "no name that leads elsewhere", "isPlain(name) && matchesRemote(name)", "matchesRemote(name)"],
    ["mcp-names-above", "no way up", `if (name.split("/").includes("..")) return false;`, ""],
    [
      "mcp-names-outside",
      "nothing outside of the workspace",
      String.raw`!/^\.\.(?:\/|$)/.test(inside) && matchesFolder`,
      "matchesFolder",
    ],
    [
      "mcp-names-links",
      "no link out of the workspace",
      "relative(toRealPath(workspacePath), toRealPath(name))",
      "relative(workspacePath, name)",
    ],
  ]),
  ...toMutations({ file: "src/trigger/mcp/repository.ts", tests: ["test/trigger/mcp/repository.test.ts"] }, [
    [
      "mcp-workspace",
      "only folders of the workspace",
      "if (real !== root && !real.startsWith(`${root}${sep}`)) return null;",
      "",
    ],
    [
      "mcp-principal-repository",
      "only the caller's repositories",
      "parts.isAllowed(repository) && principal.mayUse(repository)",
      "parts.isAllowed(repository)",
    ],
  ]),
  ...toMutations({ file: "src/trigger/mcp/repository.ts", tests: ["test/trigger/mcp/bad-calls.test.ts"] }, [
    [
      "mcp-allowed-repository",
      "only allowed repositories",
      "parts.isAllowed(repository) && principal.mayUse(repository)",
      "principal.mayUse(repository)",
    ],
    [
      "mcp-https",
      "only https",
      `parsed.kind === "url" && !parsed.url.startsWith("https:")`,
      `parsed.kind === "url" && parsed.url === ""`,
    ],
  ]),
];

/** Who sees pages, and presses their buttons. */
const web = [
  ...toMutations({ file: `${pages}/signer.ts`, tests: ["test/web/signer.test.ts"] }, [
    [
      "pages-signature",
      "what is signed is compared",
      "isSame(sign(text), signature)",
      `sign(text) !== "" && signature !== ""`,
    ],
    ["pages-purpose", "signatures are for one purpose", "`${purpose} v1`", "`${purpose.length === 0} v1`"],
    [
      "pages-token",
      "the token is compared",
      "first !== undefined && second !== undefined && timingSafeEqual(first, second)",
      "first !== undefined && second !== undefined",
    ],
  ]),
  ...toMutations({ file: `${pages}/run-keys.ts`, tests: ["test/web/run-keys.test.ts"] }, [
    ["pages-key", "a link is signed", `if (!signer.isSigned(toText(runId, end), signature)) return "foreign";`, ""],
    ["pages-key-run", "a link is for one run", "`${runId} until ${end}`", "`run until ${end}`"],
    [
      "pages-key-expiry",
      "a link expires",
      `Number(end) > nowS() ? "good" : "expired"`,
      `Number(end) > 0 ? "good" : "expired"`,
    ],
    ["pages-key-end", "its end is signed", "`${runId} until ${end}`", "`${runId} until ${end.length}`"],
  ]),
  ...toMutations({ file: `${pages}/sessions.ts`, tests: pageTests }, [
    ["pages-cookie", "a cookie is signed", "cookies.isSigned(text, signature) && ", ""],
    ["pages-cookie-expiry", "a cookie expires", " && Number(end) > nowS()", ""],
    ["pages-form", "a form is of its session", "forms.isSigned(cookie, formToken)", `formToken !== ""`],
  ]),
  ...toMutations({ file: `${pages}/visitor.ts`, tests: pageTests }, [
    [
      "pages-bearer",
      "a wrong token is no owner's",
      "sessions !== null && sessions.isToken(token) ?",
      "sessions !== null ?",
    ],
    [
      "pages-session",
      "a wrong cookie is no owner's",
      "cookie !== undefined && sessions?.isGood(cookie) === true",
      "cookie !== undefined",
    ],
  ]),
  ...toMutations({ file: `${pages}/actions.ts`, tests: pageTests }, [
    ["pages-guest", "a guest presses no button", `visitor.kind !== "owner" || !(`, `!(visitor.kind === "guest" || `],
    [
      "pages-csrf",
      "a form comes from our page",
      "(isProgram || (await isOwnForm(context, { sessions })))",
      "(isProgram || sessions !== null)",
    ],
    [
      "pages-admission",
      "strangers press no button",
      `if (admission.kind === "answered") return admission.response;\n  const { visitor } = admission.viewer;`,
      `const { visitor } = admission.kind === "answered" ? { visitor: { kind: "owner" as const, cookie: null } } : admission.viewer;`,
    ],
  ]),
  ...toMutations({ file: `${pages}/sign-in.ts`, tests: pageTests }, [
    ["pages-http-only", "no script reads the cookie", "httpOnly: true, ", ""],
    ["pages-same-site", "the cookie stays on this site", `sameSite: "Strict"`, `sameSite: "None"`],
    ["pages-secure", "the cookie goes over https", `secure: scheme === "https"`, "secure: false"],
    [
      "pages-next",
      "signing in leads nowhere else",
      `&& !next.includes("\\\\") && !next.includes("//") ? next`,
      "? next",
    ],
    [
      "pages-sign-out",
      "nobody else signs out",
      `if (!(await isOwnForm(context, { sessions }))) return context.json({ error: "not a form of this page" }, 403);\n    if (value`,
      "if (value",
    ],
    ["pages-form-size", "a form is short", "maxSize: MAX_FORM_BYTES", "maxSize: 1024 * MAX_FORM_BYTES"],
  ]),
  ...toMutations({ file: `${pages}/headers.ts`, tests: ["test/web/headers.test.ts"] }, [
    [
      "pages-csp-default",
      "nothing foreign is loaded",
      `"default-src 'none'; script-src 'self';`,
      `"script-src 'self';`,
    ],
    [
      "pages-csp-script",
      "no script in a page",
      "script-src 'self'; style-src",
      "script-src 'self' 'unsafe-inline'; style-src",
    ],
    ["pages-csp-frame", "nobody frames a page", `frame-ancestors 'none'; require-trusted`, "require-trusted"],
    ["pages-csp-form", "forms stay here", "form-action 'self'; ", ""],
    ["pages-csp-file", "a file of a run is text", "default-src 'none'; sandbox; frame", "frame"],
    ["pages-referrer", "the key is told to nobody", `"referrer-policy": "no-referrer",`, ""],
    ["pages-sniff", "no guess at what a file is", `"x-content-type-options": "nosniff",`, ""],
    ["pages-cache", "no cache keeps a run", `"cache-control": "no-store",`, ""],
  ]),
  ...toMutations({ file: `${pages}/limit-tries.ts`, tests: ["test/web/limit-tries.test.ts"] }, [
    ["pages-tries", "few tries at the token", "if (before >= MAX_WRONG) {", "if (before >= Infinity) {"],
  ]),
];

export const accessMutations: Mutation[] = [...mcp, ...web];
