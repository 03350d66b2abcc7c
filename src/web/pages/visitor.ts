import type { RunId } from "../../run/id.ts";
import type { RunKeys } from "./run-keys.ts";
import type { Sessions } from "./sessions.ts";

/**
 * Who asks for a page. `owner`: has DASHBOARD_TOKEN, sees everything; without a cookie no form can be his. `guest`: has a link, sees one run. `late`: his link was
 * good once. `stranger`: everybody else.
 */
export type Visitor =
  { kind: "owner"; cookie: string | null } | { kind: "guest"; key: string } | { kind: "late" } | { kind: "stranger" };

/** What a request brings along. */
export type Credentials = {
  authorization: string | undefined;
  cookie: string | undefined;
  /** The `key` of the address. */
  key: string | undefined;
};

export type CheckVisitorOptions = {
  /** Null without DASHBOARD_TOKEN. */
  sessions: Sessions | null;
  /** Null where no links are made. */
  keys: RunKeys | null;
  /** The run that is asked for; null when it is no certain one. */
  runId: RunId | null;
};

/** Decides by what a request brings along who asks. A wrong Bearer token is not made good by anything else. */
export function checkVisitor(credentials: Credentials, { sessions, keys, runId }: CheckVisitorOptions): Visitor {
  const { authorization, cookie, key } = credentials;
  // Of another kind is what a proxy in front of the server asks for.
  const [, token] = /^Bearer +(.*)$/i.exec(authorization ?? "") ?? [];
  if (token !== undefined) {
    return sessions !== null && sessions.isToken(token) ? { kind: "owner", cookie: null } : { kind: "stranger" };
  }
  if (cookie !== undefined && sessions?.isGood(cookie) === true) return { kind: "owner", cookie };
  if (key === undefined || keys === null || runId === null) return { kind: "stranger" };
  switch (keys.check(key, { runId })) {
    case "good":
      return { kind: "guest", key };
    case "expired":
      return { kind: "late" };
    case "foreign":
      return { kind: "stranger" };
  }
}
