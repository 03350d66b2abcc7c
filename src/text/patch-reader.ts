import { readPathOfHeader, unquotePath } from "./patch-path.ts";

/** One line of what a patch changes. */
export type PatchLine =
  /** A file that the patch changes, by the name that it has afterwards. */
  | { kind: "file"; path: string }
  /** `line` counts from 1, in the file as it is afterwards. */
  | { kind: "added"; path: string; line: number; text: string }
  /** A line that stood there before: it stays, or it is removed. */
  | { kind: "before"; text: string }
  /** A line of a binary file's new content, in git's base 85, and the line before all of them: `literal` or `delta`. */
  | { kind: "binary"; path: string; text: string };

export type PatchReader = {
  /** More of the patch, cut anywhere. */
  push(chunk: string): void;
  end(): void;
};

/**
 * Reads what `git diff` wrote. Lines end at `\n` alone, and the header of each part says how many lines it has, so that
 * nothing in a file can be taken for a part of the patch.
 */
export function createPatchReader(onLine: (line: PatchLine) => void): PatchReader {
  const readLine = createLineReader(onLine);
  let held: string[] = [];
  return {
    push(chunk) {
      let from = 0;
      for (let at = chunk.indexOf("\n"); at !== -1; at = chunk.indexOf("\n", from)) {
        held.push(chunk.slice(from, at));
        readLine(held.length === 1 ? (held[0] ?? "") : held.join(""));
        held = [];
        from = at + 1;
      }
      if (from < chunk.length) held.push(chunk.slice(from));
    },
    end() {
      if (held.length > 0) readLine(held.join(""));
      held = [];
    },
  };
}

type Left = { before: number; after: number };

function createLineReader(onLine: (line: PatchLine) => void): (text: string) => void {
  let path = "";
  let line = 0;
  let left: Left = { before: 0, after: 0 };
  let binary: "none" | "new" | "old" = "none";

  const name = (found: string): void => {
    if (found === path) return;
    path = found;
    onLine({ kind: "file", path });
  };
  const readHunkLine = (text: string): void => {
    const mark = text[0];
    if (mark === "+") {
      onLine({ kind: "added", path, line, text: text.slice(1) });
      left.after -= 1;
      line += 1;
    } else if (mark === "-") {
      onLine({ kind: "before", text: text.slice(1) });
      left.before -= 1;
    } else if (mark !== "\\") {
      onLine({ kind: "before", text: text.slice(1) });
      left = { before: left.before - 1, after: left.after - 1 };
      line += 1;
    }
  };
  const readBinaryLine = (text: string): void => {
    if (text === "") binary = binary === "new" ? "old" : "none";
    else if (binary === "new") onLine({ kind: "binary", path, text });
  };
  return (text) => {
    if (left.before > 0 || left.after > 0) return readHunkLine(text);
    if (text.startsWith("diff --git ")) {
      [path, binary] = ["", "none"];
      return name(readPathOfHeader(text) ?? "");
    }
    if (binary !== "none") return readBinaryLine(text);
    const hunk = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(text);
    if (hunk !== null) {
      left = { before: Number(hunk[1] ?? 1), after: Number(hunk[3] ?? 1) };
      line = Number(hunk[2]);
    } else if (/^(?:rename|copy) to /.test(text)) name(unquotePath(text.replace(/^\w+ to /, "")));
    else if (text.startsWith("+++ ") && text !== "+++ /dev/null")
      name(unquotePath(text.slice(4).replace(/\t$/, "")).slice(2));
    else if (text === "GIT binary patch") binary = "new";
  };
}
