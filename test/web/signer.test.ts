import { expect, test } from "vitest";
import { createSigner } from "../../src/web/pages/signer.ts";

test("what is signed with one key for one purpose is signed for no other, and with no other key", () => {
  const signer = createSigner("a key", { purpose: "one" });
  const signature = signer.sign("text");
  expect(signer.isSigned("text", signature)).toBe(true);
  expect(createSigner("a key", { purpose: "one" }).isSigned("text", signature)).toBe(true);
  expect(createSigner("a key", { purpose: "two" }).isSigned("text", signature)).toBe(false);
  expect(createSigner("another key", { purpose: "one" }).isSigned("text", signature)).toBe(false);
  expect(signer.isSigned("texts", signature)).toBe(false);
});
