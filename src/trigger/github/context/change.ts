import type { CommandCall } from "../command-call.ts";
import type { Cleaner } from "./cleaner.ts";
import { LIMITS } from "./limits.ts";
import { toAddress, toRequest, type Part } from "./part.ts";
import { toLastPage, type Page } from "./last-page.ts";

const PER_PAGE = 100;

type ChangedFile = Awaited<ReturnType<CommandCall["octokit"]["rest"]["pulls"]["listFiles"]>>["data"][number];

/** What a pull request changes: every file by name, then the changes themselves, as far as they fit. */
export const change: Part = {
  title: "The change of this pull request",
  read: async (call, options) => {
    const { octokit, place } = call;
    const pull = { ...toAddress(call), pull_number: place.number, per_page: PER_PAGE };
    const { files, more } = await readFirst((page) =>
      octokit.rest.pulls.listFiles({ ...pull, page, request: toRequest(options) }),
    );
    return (cleaner) => writeChange(files, { more, cleaner });
  },
};

const PAGES = LIMITS.files / PER_PAGE;

/** The first files, and how many there are at least besides. */
async function readFirst(
  readPage: (page: number) => Promise<Page<ChangedFile>>,
): Promise<{ files: ChangedFile[]; more: number }> {
  const first = await readPage(1);
  const last = toLastPage(first);
  const numbers = Array.from({ length: Math.min(last, PAGES) - 1 }, (_, index) => index + 2);
  const others = await Promise.all(numbers.map(readPage));
  // The last page holds at least one.
  const more = last <= PAGES ? 0 : (last - PAGES - 1) * PER_PAGE + 1;
  return { files: [first, ...others].flatMap(({ data }) => data), more };
}

function writeChange(files: ChangedFile[], { more, cleaner }: { more: number; cleaner: Cleaner }): string {
  if (files.length === 0) return "";
  const diffs: string[] = [];
  const names: string[] = [];
  let room: number = LIMITS.change;
  let roomForNames: number = LIMITS.fileNames;
  for (const file of files) {
    const diff = toDiff(file, cleaner);
    const fits = diff !== null && diff.length <= room;
    const name = toName(file, { cleaner, shown: diff === null ? "no-text" : fits ? "yes" : "too-long" });
    roomForNames -= name.length;
    // What is shown has its name there already.
    if (roomForNames >= 0) names.push(name);
    if (fits) diffs.push(diff);
    room -= fits ? diff.length : 0;
  }
  return [[...names, ...toUnnamed(files.length - names.length, { more })].join("\n"), ...diffs].join("\n\n");
}

const WHY_NOT_SHOWN = {
  yes: "",
  "no-text": ", not shown: GitHub gives no text",
  "too-long": ", not shown: too long",
} as const;

type ToNameOptions = { cleaner: Cleaner; shown: keyof typeof WHY_NOT_SHOWN };

function toName(file: ChangedFile, { cleaner, shown }: ToNameOptions): string {
  const { status, additions, deletions, previous_filename: before } = file;
  const from = before === undefined ? "" : ` from ${cleaner.code(before)}`;
  const counts = `+${additions} -${deletions}`;
  return `- ${cleaner.code(file.filename)} (${status}${from}, ${counts}${WHY_NOT_SHOWN[shown]})`;
}

function toUnnamed(left: number, { more }: { more: number }): string[] {
  if (left + more === 0) return [];
  return [`- and others, ${more === 0 ? "" : "at least "}${left + more}, which are not named here`];
}

function toDiff({ filename, previous_filename: before, status, patch }: ChangedFile, cleaner: Cleaner): string | null {
  if (patch === undefined) return null;
  const old = status === "added" ? "/dev/null" : `a/${before ?? filename}`;
  const now = status === "removed" ? "/dev/null" : `b/${filename}`;
  return cleaner.code(`--- ${old}\n+++ ${now}\n${patch}`);
}
