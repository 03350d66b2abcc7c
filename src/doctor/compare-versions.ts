/** The numbers at the start of a version: `20.10.24+dfsg1` is [20, 10, 24]. */
export function parseVersion(text: string): number[] {
  return (/\d+(?:\.\d+)*/.exec(text)?.[0] ?? "").split(".").map(Number);
}

/** Whether `version` comes before `other`; a missing part counts as 0. */
export function isOlder(version: readonly number[], other: readonly number[]): boolean {
  for (let part = 0; part < Math.max(version.length, other.length); part++) {
    const difference = (version[part] ?? 0) - (other[part] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
