import type { EnvVars } from "./env-vars.ts";

/** Shorter values are left alone wherever text is masked, since they would eat ordinary words. */
const MIN_SECRET_LENGTH = 8;

const SECRET_NAME =
  /KEY|TOKEN|SECRET|PASS|PWD|CREDENTIAL|AUTH(?!OR)|PRIVATE|COOKIE|(?:^|_)(?:PAT|PIN|SALT|DSN)(?:_|$)/i;

/**
 * The values that must not be published, of 8 characters and more: those whose variable's name says that it holds a secret
 * (`KEY`, `TOKEN`, `SECRET`, `PASSWORD`, ...), and those that look like one, whatever their name is: a private key in PEM, a
 * URL with a password, or a word without a space that looks random. Random looks what has, separators aside, 16 letters and
 * digits or more, both of them, and changes between capital, small letter and digit at every fourth place or oftener; so
 * `production`, a version and a path are none, a hash and a UUID are.
 */
export function findSecretValues(variables: EnvVars | null): string[] {
  return Object.entries(variables ?? {})
    .filter(([name, value]) => value.length >= MIN_SECRET_LENGTH && (SECRET_NAME.test(name) || isSecretLike(value)))
    .map(([, value]) => value);
}

/** The same values in the forms that they can have in a file: without the end of the last line, or one line of them that looks random. */
export function toFileForms(variables: EnvVars | null): string[] {
  return findSecretValues(variables).flatMap((value) => [
    value,
    value.trim().replaceAll("\r\n", "\n"),
    ...value.split(/\r?\n/).filter(looksRandom),
  ]);
}

function isSecretLike(value: string): boolean {
  return /PRIVATE KEY-----/.test(value) || /:\/\/[^/\s:@]*:[^/\s@]+@/.test(value) || looksRandom(value.trim());
}

/** Whether a text is one word that looks drawn by lot; see `findSecretValues()`. */
export function looksRandom(text: string): boolean {
  if (!/^[A-Za-z0-9+/=_.~:-]+$/.test(text)) return false;
  const kinds = [...text.replace(/[^A-Za-z0-9]/g, "")].map((character) =>
    /[0-9]/.test(character) ? "digit" : /[A-Z]/.test(character) ? "capital" : "small",
  );
  const hasBoth = kinds.includes("digit") && kinds.some((kind) => kind !== "digit");
  const changes = kinds.filter((kind, at) => at > 0 && kind !== kinds[at - 1]).length;
  return kinds.length >= 16 && hasBoth && changes >= kinds.length / 4;
}
