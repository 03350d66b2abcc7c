import type { RunId } from "../run/id.ts";
import type { SealKey } from "../store/request-seal.ts";
import { makeSealKey } from "../store/seal-key.ts";
import { createRunKeys, type RunKeys } from "../web/pages/run-keys.ts";

/** Links to the pages of runs, and the keys in them. */
export type PageLinks = { keys: RunKeys; toUrl(runId: RunId): string };

export type OpenPageLinksOptions = {
  /** Null: nobody knows where this server is reached, so there are no links. */
  publicUrl: string | null;
  key: SealKey;
};

/**
 * Makes links that all servers of an installation take: their key comes from the secret that these share, or on one machine
 * from a file, which is made when it is not there. Null where there can be none.
 */
export async function openPageLinks({ publicUrl, key }: OpenPageLinksOptions): Promise<PageLinks | null> {
  if (publicUrl === null || key.kind === "none") return null;
  const keys = createRunKeys(key.kind === "shared" ? key.keyMaterial : await makeSealKey(key.path));
  return { keys, toUrl: (runId) => `${publicUrl}/runs/${runId}?key=${keys.make(runId)}` };
}
