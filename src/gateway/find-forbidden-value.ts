/** Keys that send the provider to a server, or to something stored in the account, whatever their value. */
const FORBIDDEN_KEYS = new Set(
  "server_url connector_id vector_store_ids container container_id file_id file_ids".split(" "),
);

/** Keys whose address the provider would fetch. */
const URL_KEYS = new Set("image_url file_url audio_url video_url".split(" "));

/**
 * Looks through a value for entries that make the provider fetch something or reach into its storage, and says in a
 * sentence what the first one is; null when there is none. The value must not be nested without bound.
 */
export function findForbiddenValue(value: unknown): string | null {
  if (typeof value !== "object" || value === null) return null;
  for (const [key, child] of Object.entries(value)) {
    const why = checkEntry(key, child) ?? findForbiddenValue(child);
    if (why !== null) return why;
  }
  return null;
}

/** Says what is wrong with one entry of an object, not looking inside its value; null when nothing is. */
export function checkEntry(key: string, value: unknown): string | null {
  if (value == null) return null;
  if (FORBIDDEN_KEYS.has(key)) return `A request may not hold ${key}.`;
  if (URL_KEYS.has(key) && !isDataUrl(value)) return `Only data: URLs may stand in ${key}.`;
  return null;
}

/** Whether a value from JSON is nested deeper than this many levels. */
export function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depth === 0) return true;
  return Object.values(value).some((child) => isDeeperThan(child, depth - 1));
}

/** A `data:` URL, or an object whose `url` is one. */
function isDataUrl(value: unknown): boolean {
  if (typeof value === "string") return /^data:/i.test(value);
  return typeof value === "object" && value !== null && "url" in value && isDataUrl(value.url);
}
