import { expect, test } from "vitest";
import { createSeal } from "../src/seal.ts";

const purpose = "model login";

test("what was sealed is opened with the same secret, by another process too", () => {
  const sealed = createSeal("a shared secret", { purpose }).close("tökens");
  expect(createSeal("a shared secret", { purpose }).open(sealed)).toBe("tökens");
});

test("nothing of the text is to be seen, and the same text never looks the same", () => {
  const seal = createSeal("a shared secret", { purpose });
  const [one, other] = [seal.close("refresh-token-a"), seal.close("refresh-token-a")];
  expect(one).not.toBe(other);
  expect(one).toMatch(/^v1\.[\w-]+$/);
  expect(Buffer.from(one.slice(3), "base64url").toString("latin1")).not.toContain("refresh");
});

test("another secret, another purpose, or one changed bit opens nothing", () => {
  const seal = createSeal("a shared secret", { purpose });
  const sealed = seal.close("tokens");
  expect(createSeal("another secret", { purpose }).open(sealed)).toBeNull();
  expect(createSeal("a shared secret", { purpose: "else" }).open(sealed)).toBeNull();
  const bytes = Buffer.from(sealed.slice(3), "base64url");
  for (let index = 0; index < bytes.length; index++) {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
    expect(seal.open(`v1.${changed.toString("base64url")}`)).toBeNull();
  }
});

test.each(["", "v1", "v1.", "v1.AAAA", "v2.AAAA", "tokens"])("what is no sealed text opens nothing: %j", (text) => {
  expect(createSeal("a shared secret", { purpose }).open(text)).toBeNull();
});
