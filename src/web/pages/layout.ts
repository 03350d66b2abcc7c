import { html } from "hono/html";
import { assetPaths } from "./assets.ts";
import type { Visitor } from "./visitor.ts";

/** A piece of a page: everything that is put into it as text is escaped. */
export type Html = ReturnType<typeof html>;

export type LayoutOptions = {
  body: Html;
  /** Null on pages of nobody in particular. */
  viewer: Viewer | null;
  /** The page asks for itself again after so many seconds, where there is no JavaScript. */
  refreshS?: number | undefined;
};

/** For whom a page is made. `formToken` is null for those who may press no button. */
export type Viewer = { visitor: Extract<Visitor, { kind: "owner" | "guest" }>; formToken: string | null };

/** A whole page. */
export function toPage(title: string, { body, viewer, refreshS }: LayoutOptions): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Codex Orchestrator</title>
        <link rel="stylesheet" href="${assetPaths.diff}" />
        <link rel="stylesheet" href="${assetPaths.style}" />
        <link rel="icon" href="data:," />
        <script type="module" src="${assetPaths.script}"></script>
        ${refreshS === undefined ? "" : html`<noscript><meta http-equiv="refresh" content="${refreshS}" /></noscript>`}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header class="top">
          <span class="product">Codex Orchestrator</span>
          ${toNavigation(viewer, { title })}
        </header>
        <main id="main">${body}</main>
      </body>
    </html>`;
}

const overviews = [
  { title: "Runs", path: "/runs" },
  { title: "Queue", path: "/runs/queue" },
  { title: "Last 30 days", path: "/runs/totals" },
];

function toNavigation(viewer: Viewer | null, { title }: { title: string }): Html | "" {
  if (viewer?.visitor.kind !== "owner") return "";
  return html`<nav aria-label="Pages">
      ${overviews.map(
        (page) =>
          html`<a href="${page.path}" ${page.title === title ? html`aria-current="page"` : ""}>${page.title}</a>`,
      )}
    </nav>
    ${
      viewer.formToken === null
        ? ""
        : html`<form method="post" action="/runs/sign-out">
            <input type="hidden" name="form" value="${viewer.formToken}" /><button class="plain">Sign out</button>
          </form>`
    }`;
}

/** The address of something of a run, which a guest's key opens, too. */
export function toHref(path: string, { visitor }: Viewer): string {
  if (visitor.kind === "owner") return path;
  const [, before = "", anchor = ""] = /^([^#]*)(.*)$/.exec(path) ?? [];
  return `${before}${before.includes("?") ? "&" : "?"}key=${encodeURIComponent(visitor.key)}${anchor}`;
}
