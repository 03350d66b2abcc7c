import { expect, test } from "vitest";
import { isPictureAddress, isPictureStore } from "../../src/run/picture-address.ts";

const ID = "0f3a8a4e-4b7d-4a6c-9d7e-0123456789ab";
const webUrl = "https://github.com";

test.each([
  `https://github.com/user-attachments/assets/${ID}`,
  `https://github.com/octo-org/hello/assets/583231/${ID}`,
  `https://user-images.githubusercontent.com/583231/1.png`,
  `https://private-user-images.githubusercontent.com/583231/1.png?jwt=x`,
])("%s is a picture on github.com", (address) => {
  expect(isPictureAddress(address, { webUrl })).toBe(true);
});

test.each([
  `http://github.com/user-attachments/assets/${ID}`,
  `https://github.com:8443/user-attachments/assets/${ID}`,
  `https://evil.example/user-attachments/assets/${ID}`,
  `https://github.com.evil.example/user-attachments/assets/${ID}`,
  `https://x:y@github.com/user-attachments/assets/${ID}`,
  `https://github.com/user-attachments/assets/${ID}/../../../settings`,
  "https://github.com/octo-org/hello/raw/main/x.png",
  "https://raw.githubusercontent.com/octo-org/hello/main/x.png",
  "https://camo.githubusercontent.com/x",
  "https://user-images.githubusercontent.com.evil.example/1.png",
  "http://user-images.githubusercontent.com/1.png",
  "/user-attachments/assets/x",
  "javascript:alert(1)",
  "",
])("%s is none", (address) => {
  expect(isPictureAddress(address, { webUrl })).toBe(false);
});

test("GitHub may send on to its own stores alone, and on an Enterprise Server only to that", () => {
  const bucket = "https://github-production-user-asset-6210df.s3.amazonaws.com/1?X-Amz-Signature=x";
  expect(isPictureStore(bucket, { webUrl })).toBe(true);
  expect(isPictureAddress(bucket, { webUrl })).toBe(false);
  expect(isPictureStore("https://other.s3.amazonaws.com/1", { webUrl })).toBe(false);
  const own = { webUrl: "https://ghe.example" };
  expect(isPictureStore(bucket, own)).toBe(false);
  expect(isPictureAddress(`https://ghe.example/storage/user/5/files/${ID}`, own)).toBe(true);
  expect(isPictureAddress("https://media.ghe.example/user/5/files/1", own)).toBe(true);
  expect(isPictureAddress("https://user-images.githubusercontent.com/1.png", own)).toBe(false);
});
