import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { Repository } from "../run/request.ts";

export type ParseRepositoryOptions = {
  /** Where GitHub's pages are; URLs below it mean GitHub repositories. */ webUrl: string;
  /** Folder that relative paths start from. */ folder: string;
};

/** What a person or a client names as a repository: `owner/name`, an https URL, or a path. A plain sentence instead when it is none of them. */
export function parseRepository(
  text: string,
  { webUrl, folder }: ParseRepositoryOptions,
): Repository | { kind: "unknown"; why: string } {
  if (/^https?:\/\//i.test(text)) return parseUrl(text, webUrl);
  if (/^[a-z][a-z0-9+.-]*:/i.test(text))
    return {
      kind: "unknown",
      why: `${JSON.stringify(text)} is not a repository: give owner/name, an https URL or a path`,
    };
  const [owner, name, ...rest] = text.split("/");
  if (!/^[./~]/.test(text) && rest.length === 0 && name !== undefined) {
    const parsed = Repository.safeParse({ kind: "github", owner, name: name.replace(/\.git$/, "") });
    if (parsed.success) return parsed.data;
  }
  const path = resolve(folder, text);
  if (!existsSync(path))
    return {
      kind: "unknown",
      why: `${JSON.stringify(text)} is neither owner/name, nor an https URL, nor a folder that exists`,
    };
  return { kind: "local", path };
}

function parseUrl(text: string, webUrl: string): Repository | { kind: "unknown"; why: string } {
  const parsed = URL.canParse(text) ? new URL(text) : null;
  if (parsed === null) return { kind: "unknown", why: `${JSON.stringify(text)} is not a URL` };
  if (parsed.username !== "" || parsed.password !== "")
    return { kind: "unknown", why: "the URL holds a user name or password: set GITHUB_TOKEN instead" };
  const [, owner, name] = /^\/([^/]+)\/([^/]+?)(?:\.git)?\/?$/.exec(parsed.pathname) ?? [];
  if (parsed.origin === new URL(webUrl).origin && owner !== undefined) {
    const github = Repository.safeParse({ kind: "github", owner, name });
    if (github.success) return github.data;
  }
  return { kind: "url", url: parsed.href };
}
