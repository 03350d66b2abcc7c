/** The value in the middle; the mean of the two in the middle when their number is even. Throws for an empty list. */
export function toMedian(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new Error("there is no median of nothing");
  return (upper + lower) / 2;
}

/** `1234.5` as `1,235 ms`. */
export function toMs(value: number): string {
  return `${Math.round(value).toLocaleString("en")} ms`;
}

/** `314572800` as `300 MiB`. */
export function toMib(bytes: number): string {
  return `${(bytes / 1024 ** 2).toLocaleString("en", { maximumFractionDigits: 1 })} MiB`;
}

/** Lines of a table whose first column is text and whose others stand right. */
export function toTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  "),
  );
}
