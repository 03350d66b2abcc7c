import { html } from "hono/html";
import { toPage, type Html } from "./layout.ts";

export type SignInOptions = {
  /** The address that was asked for, to go on to. */
  next: string;
  /** `wrong`: a token was sent that is not the one. `late`: the link has expired. */
  why: "needed" | "wrong" | "late";
};

/** Asks for DASHBOARD_TOKEN. */
export function toSignInPage({ next, why }: SignInOptions): Html {
  return toPage("Sign in", {
    viewer: null,
    body: html`<div class="narrow">
      <h1>Sign in</h1>
      ${toReason(why)}
      <form method="post" action="/runs/sign-in">
        <input type="hidden" name="next" value="${next}" />
        <label for="token">Dashboard token</label>
        <input
          id="token"
          name="token"
          type="password"
          autocomplete="current-password"
          required
          autofocus
          ${why === "wrong" ? html`aria-invalid="true" aria-describedby="why"` : ""}
        />
        <button>Sign in</button>
      </form>
      <p class="dim">It is the <code>DASHBOARD_TOKEN</code> of this server.</p>
    </div>`,
  });
}

/** Says that a link is too old, where nobody can sign in. */
export function toLatePage(): Html {
  return toPage("Link expired", {
    viewer: null,
    body: html`<div class="narrow">
      <h1>Link expired</h1>
      ${toReason("late")}
    </div>`,
  });
}

function toReason(why: SignInOptions["why"]): Html | "" {
  switch (why) {
    case "needed":
      return "";
    case "wrong":
      return html`<p id="why" class="problem" role="alert">That is not the token of this server.</p>`;
    case "late":
      return html`<p id="why" class="problem" role="alert">
        This link has expired. Write <code>/codex status</code> where the run was asked for to get a new one.
      </p>`;
  }
}
