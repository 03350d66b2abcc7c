const UNITS = ["KiB", "MiB", "GiB", "TiB"] as const;

/** Bytes as people read them: `812 B`, `1.5 MiB`. */
export function toSizeText(bytes: number): string {
  let [size, text] = [bytes, `${bytes} B`];
  for (const unit of UNITS) {
    if (size < 1024) break;
    size /= 1024;
    text = `${size.toFixed(1)} ${unit}`;
  }
  return text;
}
