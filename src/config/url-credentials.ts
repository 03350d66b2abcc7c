import { looksRandom } from "../run/secret-values.ts";

/** A URL with a name or password in it, as a proxy or a database may have them. */
const WITH_CREDENTIALS = /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]*@/i;

/**
 * What must not be seen of the URLs among these values: the password, and what stands before the `@` as a whole, since a
 * short password alone would not be masked. A name alone is one when it looks drawn by lot. Each as it is written and as it
 * reads.
 */
export function listUrlCredentials(values: Iterable<string | undefined>): string[] {
  const found = [...values].flatMap((value) => {
    const text = value?.trim() ?? "";
    if (!WITH_CREDENTIALS.test(text) || !URL.canParse(text)) return [];
    const { protocol, username, password, host, pathname } = new URL(text);
    const whole = `${username}:${password}@${host}`;
    if (password === "") return looksRandom(username) ? [username] : [];
    // A password like `postgres` tells nothing by itself, and a log is full of the word.
    if ([protocol, username, host, pathname].some((part) => part.includes(password))) return [whole, decode(whole)];
    return [password, decode(password), whole, decode(whole)];
  });
  return [...new Set(found)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
