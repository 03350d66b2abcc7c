import { fail, pass, type Finding } from "./check.ts";

const OLDEST_MAJOR = 24;

/** Whether this Node is one that the product is made for. */
export function checkNode(version: string = process.versions.node): Finding {
  const major = Number.parseInt(version, 10);
  if (major >= OLDEST_MAJOR) return pass(`Node ${version}`);
  return fail(`Node ${version} is older than ${OLDEST_MAJOR}`, {
    mend: `Install Node ${OLDEST_MAJOR} or newer: https://nodejs.org.`,
  });
}
