import type { Context } from "hono";
import { getCookie } from "hono/cookie";
import type { RunId } from "../../run/id.ts";
import type { Viewer } from "./layout.ts";
import type { PagesOptions } from "./pages-options.ts";
import { toLatePage, toSignInPage } from "./sign-in-page.ts";
import { checkVisitor } from "./visitor.ts";

export const COOKIE = "codex_orchestrator_session";

/** Who may go on, or the answer that he gets instead. */
export type Admission = { kind: "admitted"; viewer: Viewer } | { kind: "answered"; response: Response };

/**
 * Lets in whoever may see this run, or, for `runId` null, all of them. Others are asked to sign in, the same for runs that are
 * there and those that are not; where nobody can sign in there is nothing.
 */
export async function admit(
  context: Context,
  { sessions, keys, runId }: Pick<PagesOptions, "sessions" | "keys"> & { runId: RunId | null },
): Promise<Admission> {
  const { req } = context;
  const credentials = {
    authorization: req.header("authorization"),
    cookie: getCookie(context, COOKIE),
    key: req.query("key"),
  };
  const visitor = checkVisitor(credentials, { sessions, keys, runId });
  switch (visitor.kind) {
    case "owner": {
      const formToken = visitor.cookie === null ? null : (sessions?.formToken(visitor.cookie) ?? null);
      return { kind: "admitted", viewer: { visitor, formToken } };
    }
    case "guest":
      return { kind: "admitted", viewer: { visitor, formToken: null } };
    case "late":
    case "stranger":
      return { kind: "answered", response: await turnAway(context, { sessions, why: visitor.kind }) };
  }
}

type TurnAwayOptions = Pick<PagesOptions, "sessions"> & { why: "late" | "stranger" };

async function turnAway(context: Context, { sessions, why }: TurnAwayOptions): Promise<Response> {
  const isBrowser = context.req.header("accept")?.includes("text/html") ?? false;
  if (why === "late") {
    if (!isBrowser) return context.json({ error: "this link has expired" }, 410);
    const page = sessions === null ? toLatePage() : toSignInPage({ next: toNext(context), why });
    return context.html(await page, 410);
  }
  if (sessions === null) return context.notFound();
  context.header("www-authenticate", 'Bearer realm="codex-orchestrator pages"');
  if (!isBrowser) return context.json({ error: "a token is needed" }, 401);
  return context.html(await toSignInPage({ next: toNext(context), why: "needed" }), 401);
}

/** Where somebody wanted to go, without the key that did not open it. */
function toNext({ req }: Context): string {
  const url = new URL(req.url);
  url.searchParams.delete("key");
  return `${url.pathname}${url.search}`;
}
