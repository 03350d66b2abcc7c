import type { GitCredential } from "../git/git.ts";
import { RunError } from "../run/failure.ts";

export type FreshCredentialOptions = {
  /** The credential to begin with, when it was asked for ahead of time. */
  first?: GitCredential | null;
  mint: () => Promise<GitCredential | null>;
};

/**
 * Does something with a credential, and once more with a new one when it was refused: a token can end, or be revoked,
 * between the moment it is minted and the moment git shows it. Rejects as `body` does.
 */
export async function withFreshCredential<Result>(
  { first, mint }: FreshCredentialOptions,
  body: (credential: GitCredential | null) => Promise<Result>,
): Promise<Result> {
  const credential = first === undefined ? await mint() : first;
  try {
    return await body(credential);
  } catch (error) {
    if (credential === null || !isRefusedCredential(error)) throw error;
    return body(await mint());
  }
}

function isRefusedCredential(error: unknown): boolean {
  const text = error instanceof RunError ? `${error.message} ${String(error.cause)}` : String(error);
  return /\b401\b|authentication failed|could not read username|credential/i.test(text);
}
