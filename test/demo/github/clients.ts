import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createAppAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/rest";
import type { GitHubStandIn } from "../../../src/demo/github/stand-in.ts";

/** Octokit says every failure aloud otherwise. */
export const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The App, by its JSON web token. */
export function connectApp({ origin, app }: GitHubStandIn): Octokit {
  const auth = { appId: app.id, privateKey: app.privateKey };
  return new Octokit({ baseUrl: `${origin}/api/v3`, authStrategy: createAppAuth, auth, log: quiet });
}

/** Any token, or nobody. */
export function connect({ origin }: GitHubStandIn, token: string | null): Octokit {
  return new Octokit({ baseUrl: `${origin}/api/v3`, log: quiet, ...(token === null ? {} : { auth: token }) });
}

type TokenWish = { permissions?: Record<string, "read" | "write">; repository_ids?: number[]; repositories?: string[] };

/** An installation token as the App would ask for it. */
export async function askToken(standIn: GitHubStandIn, wish: TokenWish = {}): Promise<string> {
  const { data } = await connectApp(standIn).rest.apps.createInstallationAccessToken({
    installation_id: standIn.app.installationId,
    ...wish,
  });
  return data.token;
}

/** The status of a call that fails, or of one that does not. */
export async function statusOf(call: Promise<{ status: number }>): Promise<number> {
  return await call.then(
    ({ status }) => status,
    (error: { status: number }) => error.status,
  );
}

/** A client's git, with nothing of this machine's settings. Never rejects. */
export async function git(cwd: string, args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const env = {
    PATH: process.env["PATH"],
    HOME: "/nonexistent",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_AUTHOR_NAME: "Test",
    GIT_AUTHOR_EMAIL: "test@example.com",
    GIT_COMMITTER_NAME: "Test",
    GIT_COMMITTER_EMAIL: "test@example.com",
  };
  try {
    return { exitCode: 0, ...(await promisify(execFile)("git", args, { cwd, env })) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { exitCode: code, stdout, stderr };
  }
}

/** `-c` arguments that show a token the way `actions/checkout` and GitHub's documentation do. */
export function withToken({ origin }: GitHubStandIn, token: string): string[] {
  const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
  return ["-c", `http.${origin}/.extraHeader=Authorization: Basic ${basic}`];
}

/** A folder that is gone at the end of the block. */
export async function makeFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "stand-in-test-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
