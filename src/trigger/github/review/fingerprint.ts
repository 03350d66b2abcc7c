import { createHash } from "node:crypto";
import { Severity, type Finding } from "../../../run/review.ts";

/** What a finding is known by in a later review: file and title, and its words. Its lines move, so they are not among it. */
export type Fingerprint = { subject: string; words: string };

type Worded = Pick<Finding, "path" | "title" | "body">;

/** The severity, which a comment's title begins with: who repeats it may repeat that, too. */
const SEVERITY = new RegExp(`^(?:${Severity.options.join("|")}) `);

/** The fingerprint of a finding. Case, punctuation, white space and how grave it is make no difference. */
export function toFingerprint({ path, title, body }: Worded): Fingerprint {
  return { subject: hash(`${path}\n${normalise(title).replace(SEVERITY, "")}`), words: hash(normalise(body)) };
}

/** The fingerprint as it stands, hidden, in a comment. */
export function toFingerprintMark({ subject, words }: Fingerprint): string {
  return `<!-- codex-finding:${subject}:${words} -->`;
}

const MARK = /<!-- codex-finding:([0-9a-f]{16}):([0-9a-f]{16}) -->\s*$/;

/** The fingerprint that a comment of ours ends with; null when it is none of a finding. */
export function readFingerprint(body: string): Fingerprint | null {
  const [, subject, words] = MARK.exec(body) ?? [];
  return subject === undefined || words === undefined ? null : { subject, words };
}

function normalise(text: string): string {
  return text
    .normalize("NFKC")
    .replace(/&#?\w+;/g, " ")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
