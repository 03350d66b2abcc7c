import { imageSize } from "image-size";

/** Kinds of pictures that models take, by the name their files end with. */
export type PictureType = "png" | "jpg" | "gif" | "webp";
const TYPES: readonly PictureType[] = ["png", "jpg", "gif", "webp"];

/** What kind of picture these bytes are, whatever name or type they came with, and how many pixels it has; null for anything else. */
export function measurePicture(bytes: Uint8Array): { type: PictureType; pixels: number } | null {
  try {
    const { type, width, height } = imageSize(bytes);
    const known = TYPES.find((one) => one === type);
    return known === undefined || width === 0 || height === 0 ? null : { type: known, pixels: width * height };
  } catch {
    return null;
  }
}
