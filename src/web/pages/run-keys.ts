import type { RunId } from "../../run/id.ts";
import { createSigner } from "./signer.ts";

/** Keys that open the pages of one run each, for a time, to whoever has the link. */
export type RunKeys = {
  make(runId: RunId): string;
  /** `foreign`: made for another run, by another installation, or by nobody. */
  check(key: string, options: { runId: RunId }): "good" | "expired" | "foreign";
};

const DAY_S = 24 * 60 * 60;
/** How long a link works, counted from the day that it is shown. */
const LIFETIME_S = 7 * DAY_S;

/**
 * Makes and checks the keys: all servers that share the key material take each other's. A key says until when it is good; on
 * one day all keys of a run are the same.
 */
export function createRunKeys(keyMaterial: string, { clock = Date.now }: { clock?: () => number } = {}): RunKeys {
  const signer = createSigner(keyMaterial, { purpose: "links to runs" });
  const nowS = (): number => Math.floor(clock() / 1000);
  const toText = (runId: RunId, end: string): string => `${runId} until ${end}`;
  return {
    make: (runId) => {
      const end = String((Math.floor(nowS() / DAY_S) + 1) * DAY_S + LIFETIME_S);
      return `${end}.${signer.sign(toText(runId, end))}`;
    },
    check: (key, { runId }) => {
      const [, end = "", signature = ""] = /^(\d{1,12})\.([\w-]{43})$/.exec(key) ?? [];
      if (!signer.isSigned(toText(runId, end), signature)) return "foreign";
      return Number(end) > nowS() ? "good" : "expired";
    },
  };
}
