/**
 * A folder that shows several folders as one, the first of which may take what is written (Linux's overlay file system). The
 * engine mounts it as a volume without a name, which goes with its container.
 */
export type OverlayMount = {
  target: string;
  /** As mount(8) takes them after `-o`. */
  options: string;
};

export type OverlayFolders = {
  /** What is below and never changes, the uppermost first; two at least when nothing is above. */
  lower: string[];
  /** Where what is written goes, and a folder of the same disk for the kernel's own use; null when nothing is written. */
  upper: { path: string; workPath: string } | null;
};

/** The most that mount(2) takes as options, in bytes: less than a page. */
const MAX_OPTIONS = 4_000;

/**
 * The options for these folders of the engine's machine; null when one of their names cannot stand among options. What is
 * written is stored in whole files and folders (no redirects, no metadata without data), so that it can be read from above.
 * Set-user-id bits and devices mean nothing in it.
 */
export function toOverlayOptions({ lower, upper }: OverlayFolders): string | null {
  const paths = [...lower, ...(upper === null ? [] : [upper.path, upper.workPath])];
  const options = [
    ...["nosuid", "nodev", `lowerdir=${lower.join(":")}`],
    ...(upper === null ? ["ro"] : [`upperdir=${upper.path}`, `workdir=${upper.workPath}`]),
    ...(upper === null ? [] : ["redirect_dir=off", "metacopy=off", "index=off"]),
  ].join(",");
  const isPlain = paths.every((path) => /^\/[^,:\\"\s]+$/.test(path));
  return isPlain && Buffer.byteLength(options) <= MAX_OPTIONS ? options : null;
}

/** How Docker's own driver of volumes is told to mount an overlay; anything else there is another kind of volume. */
export const OVERLAY_DRIVER = { name: "local", type: "overlay", device: "overlay" } as const;
