/** The text, or its beginning when it is longer, and then it says so. */
export function cutEnd(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length).toWellFormed()}\n(The rest is left out.)`;
}
