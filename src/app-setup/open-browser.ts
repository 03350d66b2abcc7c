import { spawn } from "node:child_process";
import { toToolEnvironment } from "../git/git-environment.ts";

/** The program of a system that opens an address in the browser, and its first arguments. */
const openers: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ["open"],
  linux: ["xdg-open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** Opens an address in the person's browser, where there is a program for it. Never fails: the address was printed, too. */
export function openBrowser(url: string, { platform = process.platform }: { platform?: NodeJS.Platform } = {}): void {
  const [program, ...args] = openers[platform] ?? [];
  if (program === undefined) return;
  const child = spawn(program, [...args, url], { env: toToolEnvironment(), stdio: "ignore", detached: true });
  child.on("error", () => {});
  child.unref();
}
