import { stat } from "node:fs/promises";
import type { Config } from "../config.ts";
import { fail, pass, type Finding } from "./check.ts";

const OTHERS = 0o007;
const GROUP = 0o070;

/** Whether nobody else on this machine can read the files with secrets; that the group can, and RUNS_PATH, is a note. */
export async function checkFiles({ secretFiles, paths }: Pick<Config, "secretFiles" | "paths">): Promise<Finding> {
  if (process.platform === "win32") return pass("file permissions are not looked at on Windows");
  const found = await Promise.all(secretFiles.map(async (file) => ({ ...file, mode: await readMode(file.path) })));
  const open = found.filter(({ mode }) => mode !== null && (mode & (OTHERS | 0o020)) !== 0);
  if (open.length > 0) {
    const list = open.map(({ name, path, mode }) => `${toName({ name, path })} (${toOctal(mode ?? 0)})`);
    return fail(`other users of this machine can use ${list.join(", ")}`, {
      mend: `chmod 600 ${open.map(({ path }) => path).join(" ")}; make new secrets when others may have read them.`,
    });
  }
  const shared = found.filter(({ mode }) => mode !== null && (mode & GROUP) !== 0);
  const runsMode = await readMode(paths.runs);
  return pass(
    secretFiles.length === 0 ? "no file holds secrets" : `${secretFiles.map(toName).join(", ")}: closed to other users`,
    shared.length === 0 ? null : `the group can read ${shared.map(({ path }) => path).join(", ")}`,
    runsMode !== null && (runsMode & OTHERS) !== 0
      ? `others can look into RUNS_PATH (${toOctal(runsMode)}): chmod 750 ${paths.runs}`
      : null,
  );
}

async function readMode(path: string): Promise<number | null> {
  return stat(path).then(
    ({ mode }) => mode & 0o777,
    () => null,
  );
}

function toName({ name, path }: Config["secretFiles"][number]): string {
  return name === ".env" ? path : `${path} (${name})`;
}

function toOctal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
