import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { WebhookAddress } from "./webhook-address.ts";

/** The manifests that were shown and may come back as a code, each known by its random state. */
export type Offers = {
  /** Makes an offer; resolves with its state. */
  make(address: WebhookAddress): string;
  /** Takes the offer back, once for all of them: a second App must not take the place of the first. */
  take(state: string): { kind: "offered"; address: WebhookAddress } | { kind: "unknown" } | { kind: "used" };
};

/** Whoever reloads the page has several offers open; more than this are nobody's. */
const MAX_OFFERS = 50;

/** Begins without any offer. States are compared in constant time. */
export function createOffers(): Offers {
  const offers: { state: string; address: WebhookAddress }[] = [];
  let isUsed = false;
  return {
    make(address) {
      const state = randomBytes(32).toString("base64url");
      offers.push({ state, address });
      if (offers.length > MAX_OFFERS) offers.shift();
      return state;
    },
    take(state) {
      const found = offers.filter((offer) => isSame(offer.state, state))[0];
      if (found === undefined) return { kind: "unknown" };
      if (isUsed) return { kind: "used" };
      isUsed = true;
      return { kind: "offered", address: found.address };
    },
  };
}

/** Whether two texts are the same, without telling by the time it takes where they differ. */
export function isSame(one: string, other: string): boolean {
  const [first, second] = [one, other].map((text) => createHash("sha256").update(text).digest());
  return first !== undefined && second !== undefined && timingSafeEqual(first, second);
}
