import parseDuration from "parse-duration";

/** Whole seconds of `90`, `90s`, `10m` or `1h30m`; null for anything else, and for times under a second. */
export function parseDurationS(text: string): number | null {
  if (!/^(?:\d{1,9}|(?:\d{1,6}(?:s|m|h))+)$/.test(text)) return null;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  return ms === null || ms < 1000 ? null : Math.floor(ms / 1000);
}
