import { isPictureAddress, isPictureStore } from "../run/picture-address.ts";
import { measurePicture, type PictureType } from "./measure-picture.ts";

/** A header that is for one origin alone. */
export type Credential = { origin: string; authorization: string };

export type FetchPictureOptions = {
  /** Who named the address: anybody, or GitHub itself, which also names stores of its own. */
  namedBy: "anybody" | "github";
  /** The GitHub in question, as people see it. */
  webUrl: string;
  /** Sent to that GitHub itself and to nobody else. */
  credential: Credential | null;
  /** Longest file, in bytes. */
  maxBytes: number;
  /** Whoever looks at a picture unpacks it first: four bytes for each pixel, however small its file is. */
  maxPixels: number;
  signal: AbortSignal;
};

/** A picture, or half a sentence why there is none. */
export type FetchedPicture = { kind: "picture"; type: PictureType; bytes: Buffer } | { kind: "none"; why: string };

/** `refused`: GitHub answered with something else, which it does to whoever may not see the picture, too. */
export type PictureAnswer = FetchedPicture | { kind: "refused"; why: string };

const MAX_HOPS = 4;

/**
 * Fetches one picture that was attached on GitHub. Never rejects, and never asks any host but GitHub's own, wherever an answer
 * sends it.
 */
export async function fetchPicture(address: string, options: FetchPictureOptions): Promise<PictureAnswer> {
  const isKnown = options.namedBy === "anybody" ? isPictureAddress : isPictureStore;
  if (!isKnown(address, options)) return none("it is not kept on this GitHub");
  try {
    let url = address;
    for (let hop = 0; hop < MAX_HOPS; hop += 1) {
      const answer = await ask(url, options);
      const next = answer.headers.get("location");
      if (answer.status < 300 || answer.status > 399 || next === null) return await readAnswer(answer, options);
      await answer.body?.cancel();
      url = new URL(next, url).href;
      if (!isPictureStore(url, options)) return none("GitHub sent on to a host that is not its own");
    }
    return none("GitHub sent on too often");
  } catch {
    return none(options.signal.aborted ? "it did not come in time" : "GitHub could not be reached");
  }
}

function ask(url: string, { credential, signal }: FetchPictureOptions): Promise<Response> {
  const isOwn = credential !== null && new URL(url).origin === credential.origin;
  const headers = isOwn ? { authorization: credential.authorization } : {};
  return fetch(url, { headers: { ...headers, "user-agent": "codex-orchestrator" }, redirect: "manual", signal });
}

async function readAnswer(answer: Response, { maxBytes, maxPixels }: FetchPictureOptions): Promise<PictureAnswer> {
  if (answer.status !== 200 || answer.body === null) {
    await answer.body?.cancel();
    return { kind: "refused", why: `GitHub answered ${answer.status}` };
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of answer.body) {
    parts.push(part);
    length += part.length;
    if (length > maxBytes) return none("it is too large");
  }
  const bytes = Buffer.concat(parts);
  const measured = measurePicture(bytes);
  if (measured === null) return { kind: "refused", why: "it is not a PNG, JPEG, GIF or WebP picture" };
  return measured.pixels > maxPixels ? none("it has too many pixels") : { kind: "picture", type: measured.type, bytes };
}

function none(why: string): FetchedPicture {
  return { kind: "none", why };
}
