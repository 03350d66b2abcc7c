/** Puts text into a code block that nothing in the text can end. `info` is what stands after the fence. */
export function toFenced(text: string, info = ""): string {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`{3,}/g), ([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${info}\n${text}${text.endsWith("\n") || text === "" ? "" : "\n"}${fence}`;
}
