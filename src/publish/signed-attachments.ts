import type { Octokit } from "@octokit/rest";

export type FindSignedOptions = {
  /** Addresses of pictures as people write them. */
  addresses: readonly string[];
  /** `owner/name` of the repository whose threads they stand in. */
  repository: string;
  signal: AbortSignal;
};

/** What GitHub knows an attached file by, in its address and in every signed one. */
const FILE_ID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
const IMAGE_SOURCE = /<img\b[^<>]*\bsrc="([^"]*)"/g;

/**
 * Asks GitHub for addresses of attached pictures that can be fetched without a token, for a few minutes, by their written
 * addresses. Its host for attachments takes no App's token where a repository is private; what it renders of Markdown holds
 * signed addresses. Rejects when GitHub cannot be asked.
 */
export async function findSignedAttachments(
  octokit: Octokit,
  options: FindSignedOptions,
): Promise<Map<string, string>> {
  const { addresses, repository, signal } = options;
  const text = addresses.map((address) => `![](<${address}>)`).join("\n\n");
  const request = { retries: 0, signal };
  const { data } = await octokit.rest.markdown.render({ text, mode: "gfm", context: repository, request });
  const sources = Array.from(data.matchAll(IMAGE_SOURCE), ([, source = ""]) => source.replaceAll("&amp;", "&"));
  return new Map(
    addresses.flatMap((address) => {
      const id = FILE_ID.exec(address)?.[0];
      const signed = sources.find((source) => id !== undefined && source !== address && source.includes(id));
      return signed === undefined ? [] : [[address, signed] as const];
    }),
  );
}
