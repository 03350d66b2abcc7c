import type { Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { COOKIE } from "./admit.ts";
import type { PagesApp, PagesOptions } from "./pages-options.ts";
import { SESSION_S, type Sessions } from "./sessions.ts";
import { toSignInPage } from "./sign-in-page.ts";

/** More than any form of these pages sends, in bytes. */
const MAX_FORM_BYTES = 8 * 1024;

export type AddSignInOptions = { sessions: Sessions; scheme: PagesOptions["scheme"] };

/** Adds the form that takes DASHBOARD_TOKEN, and the way out. */
export function addSignIn(app: PagesApp, { sessions, scheme }: AddSignInOptions): void {
  const cookie = { path: "/runs", httpOnly: true, sameSite: "Strict", secure: scheme === "https" } as const;
  app.post("/runs/sign-in", limitForm, async (context) => {
    const form = await readForm(context);
    const next = toOwnPath(form["next"] ?? "");
    if (!sessions.isToken((form["token"] ?? "").trim()))
      return context.html(await toSignInPage({ next, why: "wrong" }), 401);
    setCookie(context, COOKIE, sessions.begin(), { ...cookie, maxAge: SESSION_S });
    return context.redirect(next, 303);
  });
  app.post("/runs/sign-out", limitForm, async (context) => {
    const value = getCookie(context, COOKIE);
    if (!(await isOwnForm(context, { sessions }))) return context.json({ error: "not a form of this page" }, 403);
    if (value !== undefined) deleteCookie(context, COOKIE, cookie);
    return context.redirect("/runs", 303);
  });
}

/** Bounds what is read of a form. */
export const limitForm = bodyLimit({
  maxSize: MAX_FORM_BYTES,
  onError: (context) => context.json({ error: "too large" }, 413),
});

/** Whether a form comes from a page of ours, in the session that it was made for. */
export async function isOwnForm(context: Context, { sessions }: { sessions: Sessions }): Promise<boolean> {
  const cookie = getCookie(context, COOKIE);
  if (cookie === undefined || !sessions.isGood(cookie)) return false;
  return sessions.isForm((await readForm(context))["form"] ?? "", cookie);
}

/** The fields of a form that are text. */
export async function readForm(context: Context): Promise<Record<string, string>> {
  const body = await context.req.parseBody();
  return Object.fromEntries(
    Object.entries(body).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])),
  );
}

/** A path of these pages; whatever leads elsewhere leads to the list. */
function toOwnPath(next: string): string {
  return /^\/runs(?:[/?][!-~]*)?$/.test(next) && !next.includes("\\") && !next.includes("//") ? next : "/runs";
}
