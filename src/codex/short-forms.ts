/** `/workspace/src/a.ts` as people know it: `src/a.ts`. */
export function toShortPath(path: string): string {
  return path.replace(/^\/workspace\//, "");
}

/** A command without the shell that Codex wraps around it, where the quoting is simple enough to undo. */
export function toShortCommand(command: string): string {
  const wrapped = /^(?:\/\S*\/)?(?:ba|z|da)?sh -l?c ([\s\S]+)$/.exec(command)?.[1];
  if (wrapped === undefined) return command;
  const single = /^'([^']*(?:'\\''[^']*)*)'$/.exec(wrapped)?.[1];
  if (single !== undefined) return single.replaceAll(`'\\''`, "'");
  const double = /^"([^"\\$`]*)"$/.exec(wrapped)?.[1];
  return double ?? (/^[^\s'"\\$`]+$/.test(wrapped) ? wrapped : command);
}

/** The words in an error message of Codex: for a status 400 it repeats the whole JSON body. */
export function toErrorWords(message: string): string {
  try {
    const body: unknown = JSON.parse(message);
    if (typeof body !== "object" || body === null || !("error" in body)) return message;
    const { error } = body;
    if (typeof error !== "object" || error === null || !("message" in error)) return message;
    return typeof error.message === "string" ? error.message : message;
  } catch {
    return message;
  }
}
