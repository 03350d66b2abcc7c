import { statSync } from "node:fs";
import type { ConfigProblem } from "./config-error.ts";

/** System folders that a state folder must not be or stand for: a clean-up would be a disaster there. */
const systemFolders = new Set([
  "/",
  "/bin",
  "/boot",
  "/dev",
  "/etc",
  "/home",
  "/lib",
  "/proc",
  "/root",
  "/run",
  "/sbin",
  "/sys",
  "/tmp",
  "/usr",
  "/var",
]);

/** What is wrong with a folder that state is written to; a folder that is not there yet is made later. */
export function checkFolder(variable: string, path: string): ConfigProblem[] {
  if (systemFolders.has(path)) return [{ variable, problem: "must not be a system folder" }];
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [];
  if (!found.isDirectory()) return [{ variable, problem: "is not a folder" }];
  const isSystem = [...systemFolders].some((folder) => {
    const system = statSync(folder, { throwIfNoEntry: false });
    return system !== undefined && system.dev === found.dev && system.ino === found.ino;
  });
  if (isSystem) return [{ variable, problem: "must not be a system folder, nor a link to one" }];
  return (found.mode & 0o002) === 0
    ? []
    : [{ variable, problem: "can be written by everybody on this machine: chmod 750 it" }];
}
