import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import { toHookUrl, type WebhookAddress } from "./webhook-address.ts";

const Template = z.object({
  name: z.string().min(1).max(34),
  description: z.string(),
  url: z.url(),
  public: z.boolean(),
  default_events: z.array(z.string()),
  default_permissions: z.record(z.string(), z.enum(["read", "write"])),
});
/** What `app.yml` says about the App: all but the addresses, which each server has of its own. */
export type ManifestTemplate = z.infer<typeof Template>;

/** Reads the `app.yml` that came with the product; one in the current folder counts for nothing. */
export async function readManifestTemplate(): Promise<ManifestTemplate> {
  return Template.parse(parse(await readFile(new URL("../../app.yml", import.meta.url), "utf8")));
}

export type ToManifestOptions = {
  address: WebhookAddress;
  /** Where the browser comes back to with GitHub's code. */
  redirectUrl: string;
};

/**
 * The manifest that GitHub makes the App from, as JSON
 * (docs.github.com, "Registering a GitHub App from a manifest").
 */
export function toManifest(template: ManifestTemplate, { address, redirectUrl }: ToManifestOptions): string {
  return JSON.stringify({
    ...template,
    url: address.kind === "public" ? address.publicUrl : template.url,
    hook_attributes: { url: toHookUrl(address), active: true },
    redirect_url: redirectUrl,
  });
}

/** The page of GitHub that takes a manifest, for a person's account or an organisation's. */
export function toNewAppUrl(
  webUrl: string,
  { organisation, state }: { organisation: string | null; state: string },
): string {
  const owner = organisation === null ? "" : `/organizations/${encodeURIComponent(organisation)}`;
  return `${webUrl}${owner}/settings/apps/new?state=${encodeURIComponent(state)}`;
}
