import picomatch from "picomatch";
import { RunError } from "../run/failure.ts";
import type { RunRequest } from "../run/request.ts";
import type { ReadSettings } from "./settings.ts";

/** Decides whether a repository's settings may name an image. */
export type ImageFilter = (image: string) => boolean;

export type ImageFilterOptions = {
  /** ALLOWED_IMAGES; null: the standard image alone. */
  globs: readonly string[] | null;
  standard: string;
};

/** ALLOWED_IMAGES as a filter. The operator's own image is always allowed: it is what a run gets that names none. */
export function createImageFilter({ globs, standard }: ImageFilterOptions): ImageFilter {
  const matches = globs === null || globs.length === 0 ? () => false : picomatch([...globs], { dot: true });
  return (image) => image === standard || matches(image);
}

/** The settings, or that they name an image which the operator does not allow. */
export function checkImage(read: ReadSettings, { isImageAllowed }: { isImageAllowed: ImageFilter }): ReadSettings {
  if (read.kind === "wrong" || read.settings.image === undefined || isImageAllowed(read.settings.image)) return read;
  const { label_trigger: labelTrigger } = read.settings;
  const problems = ["image: is not among the images that this server allows (ALLOWED_IMAGES)"];
  return { kind: "wrong", problems, ...(labelTrigger === undefined ? {} : { labelTrigger }) };
}

/** Throws `image-unusable` when the image that a run's rules name is not allowed any more, or not on this machine. */
export function checkRunImage(
  { rules: { image } }: RunRequest,
  { isImageAllowed }: { isImageAllowed: ImageFilter },
): void {
  if (image === null || isImageAllowed(image)) return;
  throw new RunError("image-unusable", `The image ${image} is not among those that this server allows.`, {
    hint: "Name another image in the repository's settings, or add it to ALLOWED_IMAGES.",
  });
}
