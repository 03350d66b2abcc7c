import { toRunFailure, type RunFailure } from "../run/failure.ts";
import { toPlainLine } from "../text/plain.ts";
import type { ScanEnd } from "./patch-scanner.ts";
import { KNOWN_VALUE, type SecretPlace } from "./secret-place.ts";

const MAX_NAMED = 5;
const MAX_PATH = 200;

/** Why a change is held back that was looked through for secrets; null when there is no reason to. Says where, never what. */
export function toSecretFailure(end: ScanEnd): RunFailure | null {
  switch (end.kind) {
    case "gave-up":
      return toRunFailure("secret-found", {
        message: "The change could not be looked through for secrets: it takes too long. Nothing was pushed.",
        hint: "Ask for less at once, or keep generated files out, with a new run.",
      });
    case "found":
      return end.places.length === 0 ? null : toRunFailure("secret-found", { message: toMessage(end.places) });
  }
}

function toMessage(places: readonly SecretPlace[]): string {
  const isKnown = places.every(({ rule }) => rule === KNOWN_VALUE);
  const what = isKnown
    ? "The change holds a secret of this server or of the run's variables: "
    : "The change holds what looks like a secret: ";
  const named = places.slice(0, MAX_NAMED).map((place) => toPlaceText(place));
  const rest = places.length - named.length;
  return `${what}${named.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}. Nothing was pushed.`;
}

function toPlaceText({ path, line, rule }: SecretPlace): string {
  const name = toPlainLine(path, { maxLength: MAX_PATH });
  const place = line === null ? name : `${name}:${line}`;
  return rule === KNOWN_VALUE ? place : `${place} (${rule})`;
}
