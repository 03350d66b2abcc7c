import {
  fetchPicture,
  type Credential,
  type FetchedPicture,
  type FetchPictureOptions,
  type PictureAnswer,
} from "./fetch-picture.ts";

/** Sizes in bytes, times in milliseconds. */
export type PictureLimits = { pictureBytes: number; allBytes: number; pixels: number; withinMs: number };

const LIMITS: PictureLimits = { pictureBytes: 5 * 1024 ** 2, allBytes: 15 * 1024 ** 2, pixels: 20e6, withinMs: 10_000 };

export type FetchPicturesOptions = {
  /** The GitHub in question, as people see it. */
  webUrl: string;
  /** A header for that GitHub alone; null where there is none. A rejection is as good as null. */
  readCredential: () => Promise<Credential | null>;
  /**
   * Finds signed addresses of pictures, by those that people wrote, for what GitHub's host does not give to us. A rejection is
   * as good as none.
   */
  findSigned: (addresses: readonly string[], options: { signal: AbortSignal }) => Promise<ReadonlyMap<string, string>>;
  limits?: PictureLimits;
};

/** Fetches pictures that were attached on GitHub, in their order. Never rejects: what does not come is a `none` with its reason. */
export async function fetchPictures(
  addresses: readonly string[],
  { webUrl, readCredential, findSigned, limits = LIMITS }: FetchPicturesOptions,
): Promise<FetchedPicture[]> {
  if (addresses.length === 0) return [];
  const signal = AbortSignal.timeout(limits.withinMs);
  const credential = await readCredential().catch(() => null);
  const fetch = (address: string, from: Pick<FetchPictureOptions, "namedBy" | "credential">): Promise<PictureAnswer> =>
    fetchPicture(address, {
      ...{ ...from, webUrl, signal },
      maxBytes: limits.pictureBytes,
      maxPixels: limits.pixels,
    });
  const answers = await Promise.all(addresses.map((address) => fetch(address, { namedBy: "anybody", credential })));
  const refused = addresses.filter((_, index) => answers[index]?.kind === "refused");
  const signed = refused.length === 0 ? NONE : await findSigned(refused, { signal }).catch(() => NONE);
  const fetched = await Promise.all(
    answers.map(async (answer, index) => {
      const address = signed.get(addresses[index] ?? "");
      return address === undefined ? answer : await fetch(address, { namedBy: "github", credential: null });
    }),
  );
  return keepWithin(fetched, { bytes: limits.allBytes });
}

const NONE: ReadonlyMap<string, string> = new Map();

function keepWithin(answers: readonly PictureAnswer[], { bytes }: { bytes: number }): FetchedPicture[] {
  let room = bytes;
  return answers.map((answer) => {
    if (answer.kind !== "picture") return { kind: "none", why: answer.why };
    if (answer.bytes.length > room) return { kind: "none", why: "all pictures together are too large" };
    room -= answer.bytes.length;
    return answer;
  });
}
