import { escapeHtml, toPage } from "./html.ts";
import { toHookUrl, type WebhookAddress } from "./webhook-address.ts";

const TITLE = "Codex Orchestrator: make the GitHub App";

export type AskAddressOptions = {
  /** What was typed before, and what is wrong with it. */
  typed: string;
  problem: string | null;
};

/** Asks for the URL that GitHub reaches this server at, which is part of the App. */
export function toAddressPage({ typed, problem }: AskAddressOptions): string {
  const wrong =
    problem === null ? "" : `<p class="problem" role="alert">This URL cannot be taken: ${escapeHtml(problem)}.</p>`;
  return toPage(TITLE, {
    body: `<p>GitHub sends a webhook for every comment. At which URL does it reach this server?</p>
${wrong}
<form method="get">
<label for="url">Public URL of this server</label>
<input id="url" name="url" type="url" required placeholder="https://codex.your-company.com" value="${escapeHtml(typed)}">
<button type="submit">Next</button>
</form>
<p>This server has none? Stop, and start <code>codex-orchestrator setup --smee</code>: then smee.io passes the webhooks on. That
is for trying things out, since smee.io sees everything that GitHub sends.</p>`,
  });
}

export type ManifestPageOptions = {
  /** The page of GitHub that takes the manifest. */
  newAppUrl: string;
  manifest: string;
  address: WebhookAddress;
};

/** Shows what will be made, with the one button that takes the manifest to GitHub. */
export function toManifestPage({ newAppUrl, manifest, address }: ManifestPageOptions): string {
  return toPage(TITLE, {
    body: `<p>The button leads to GitHub, which asks once more and lets you choose the App's name. Then you come back here, and the
App's credentials are written to the <code>.env</code> of this server. Nobody else sees them.</p>
<p>GitHub will send webhooks to <code>${escapeHtml(toHookUrl(address))}</code>.</p>
<form method="post" action="${escapeHtml(newAppUrl)}">
<input type="hidden" name="manifest" value="${escapeHtml(manifest)}">
<button type="submit">Make the App on GitHub</button>
</form>`,
  });
}

/** Says that the App is there, and leads to where it is installed. */
export function toMadePage({ slug, installUrl }: { slug: string; installUrl: string }): string {
  return toPage("The GitHub App is made", {
    body: `<p><strong>${escapeHtml(slug)}</strong> is there, and its credentials are in the <code>.env</code>.</p>
<p><a href="${escapeHtml(installUrl)}">Install it on the repositories that it shall work on</a>, then start the server.</p>`,
  });
}

/** One sentence about what did not work. */
export function toProblemPage(sentence: string): string {
  return toPage(TITLE, { body: `<p class="problem" role="alert">${escapeHtml(sentence)}</p>` });
}
