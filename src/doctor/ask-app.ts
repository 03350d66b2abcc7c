import type { AppCredentials } from "../config/app-credentials.ts";
import { toAppToken } from "./app-token.ts";
import { askHttp, type HttpAnswer } from "./ask-http.ts";

export type AskGitHubOptions = {
  /** Below the API's address: `/app`. */
  path: string;
  method?: "GET" | "POST" | "DELETE";
  authorization: string;
  signal: AbortSignal;
};

/** Asks the GitHub whose API is there, once. Rejects only when the signal aborts. */
export function askGitHub(apiUrl: string, options: AskGitHubOptions): Promise<HttpAnswer> {
  const { path, authorization, ...rest } = options;
  const headers = { accept: "application/vnd.github+json", authorization };
  return askHttp(new URL(`${apiUrl}${path}`), { ...rest, headers });
}

/** The same in the name of the App. Throws when its key cannot sign. */
export function askAsApp(
  apiUrl: string,
  { app, ...options }: Omit<AskGitHubOptions, "authorization"> & { app: AppCredentials },
): Promise<HttpAnswer> {
  return askGitHub(apiUrl, { ...options, authorization: `Bearer ${toAppToken(app.appId, app)}` });
}
