import { expect, test } from "vitest";
import { addGuards, FILE_POLICY } from "../../src/web/pages/headers.ts";

/** Written out, so that no change of it goes unseen. */
test("every answer has these headers, and a file of a run the policy of one", () => {
  expect(addGuards({ "content-type": "text/html" })).toEqual({
    "content-type": "text/html",
    "content-security-policy":
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; " +
      "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex",
  });
  expect(FILE_POLICY).toBe("default-src 'none'; sandbox; frame-ancestors 'none'");
});
