import { expect, test } from "vitest";
import { measurePicture } from "../../src/attachment/measure-picture.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

test.each([
  ["png", "89504e470d0a1a0a 0000000d 49484452 00000014 0000000a 0800000000"],
  ["gif", "474946383961 1400 0a00 000000"],
  ["jpg", "ffd8 ffe0 0010 4a46494600010100000100010000 ffc0 0011 08 000a 0014 03 011100 021101 031101 ffd9"],
  ["webp", "52494646 1a000000 57454250 56503858 0a000000 00000000 130000 090000"],
])("a %s is known by its bytes, and measured", (type, bytes) => {
  expect(measurePicture(hex(bytes))).toEqual({ type, pixels: 200 });
});

test.each([
  ["nothing", Buffer.alloc(0)],
  ["a page", Buffer.from("<html><img></html>")],
  ["an SVG", Buffer.from("<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'/>")],
  ["a TIFF", hex("49492a0008000000")],
  ["a cut PNG", hex("89504e470d0a1a0a")],
  ["a cut JPEG", hex("ffd8ffe000104a464946")],
  ["random bytes", hex("00ff00ff00ff00ff00ff00ff00ff00ff")],
])("%s is no picture", (_, bytes) => {
  expect(measurePicture(bytes)).toBeNull();
});
