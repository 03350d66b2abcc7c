import { createPublicKey, verify } from "node:crypto";
import { z } from "zod";
import type { Person, RepositorySeed, Role } from "./seeds.ts";

/** A GitHub App's permissions, as in its manifest. */
export type AppPermissions = Record<string, "read" | "write">;

/** Who is asking. A token that is unknown or over is no caller at all: GitHub answers 401. */
export type Caller =
  | { kind: "anonymous" }
  | { kind: "app" }
  | { kind: "person"; login: string; token: string }
  | {
      kind: "installation";
      token: string;
      permissions: AppPermissions;
      /** Names of those it reaches. */
      repositories: string[];
      expiresAtMs: number;
    };

/** The tokens that were handed out, and whose they are. */
export type TokenBook = {
  /** Remembers a token of an installation or a person. */
  add(caller: Extract<Caller, { token: string }>): void;
  /** Whose token it is; `null` when nobody's, or no longer. */
  find(token: string): Caller | null;
  /** Every installation token that was ever handed out. */
  listInstallationTokens(): string[];
  /** Ends every installation token at once, as if their hour were over. */
  expireInstallationTokens(): void;
};

/** An empty book. `now` is the clock in milliseconds. */
export function createTokenBook({ now = Date.now }: { now?: () => number } = {}): TokenBook {
  const callers = new Map<string, Extract<Caller, { token: string }>>();
  return {
    add: (caller) => void callers.set(caller.token, caller),
    listInstallationTokens: () =>
      [...callers.values()].filter(({ kind }) => kind === "installation").map(({ token }) => token),
    find(token) {
      const caller = callers.get(token);
      if (caller === undefined) return null;
      return caller.kind === "installation" && caller.expiresAtMs <= now() ? null : caller;
    },
    expireInstallationTokens() {
      for (const caller of callers.values()) if (caller.kind === "installation") caller.expiresAtMs = now();
    },
  };
}

/** The credential in an Authorization header: `Bearer x`, `token x`, or Basic with the token as password. */
export function readToken(authorization: string | undefined): string | null {
  const [scheme = "", value = ""] = (authorization ?? "").split(/\s+/, 2);
  if (/^(?:bearer|token)$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme)) return null;
  const decoded = Buffer.from(value, "base64").toString();
  return decoded.slice(decoded.indexOf(":") + 1);
}

const Claims = z.object({ iss: z.union([z.string(), z.number()]), iat: z.number(), exp: z.number() });

/** Checks an App's JSON web token as GitHub does; returns what is wrong with it, or `null`. */
export function checkAppToken(
  token: string,
  { appId, privateKey, nowMs }: { appId: number; privateKey: string; nowMs: number },
): string | null {
  const [header = "", payload = "", signature = ""] = token.split(".");
  const signed = verify(
    "RSA-SHA256",
    Buffer.from(`${header}.${payload}`),
    createPublicKey(privateKey),
    Buffer.from(signature, "base64url"),
  );
  if (!signed) return "A JSON web token could not be decoded";
  const claims = Claims.safeParse(JSON.parse(Buffer.from(payload, "base64url").toString()));
  if (!claims.success || String(claims.data.iss) !== String(appId)) return "Integration must generate a public key";
  const nowSeconds = nowMs / 1000;
  if (claims.data.exp <= nowSeconds)
    return "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires";
  if (claims.data.exp > nowSeconds + 660) return "'Expiration time' claim ('exp') is too far in the future";
  if (claims.data.iat > nowSeconds + 60)
    return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";
  return null;
}

/** The role somebody has on a repository; `none` for strangers. */
export function roleOf(person: string, repository: RepositorySeed): Role {
  const [owner] = repository.name.split("/");
  return owner === person ? "admin" : (repository.roles[person] ?? "none");
}

const RANKS: Role[] = ["none", "read", "triage", "write", "maintain", "admin"];

/** True when `role` allows what `least` allows. */
export function isAtLeast(role: Role, least: Role): boolean {
  return RANKS.indexOf(role) >= RANKS.indexOf(least);
}

/** One of an App's permissions at one level. */
export type Need = { permission: string; level: "read" | "write" };

/** True when the caller may see that the repository exists. */
export function isVisible(repository: RepositorySeed, caller: Caller): boolean {
  if (repository.visibility === "public") return true;
  switch (caller.kind) {
    case "person":
      return isAtLeast(roleOf(caller.login, repository), "read");
    case "installation":
      return isInstalledOn(caller, repository);
    case "app":
    case "anonymous":
      return false;
  }
}

/** True when the caller may do what needs any one of `needs`; people need a signed-in account or, for contents, the role. */
export function isAllowed(
  caller: Caller,
  { repository, needs }: { repository: RepositorySeed; needs: Need[] },
): boolean {
  if (!isVisible(repository, caller)) return false;
  if (repository.visibility === "public" && needs.some((need) => need.level === "read")) return true;
  switch (caller.kind) {
    case "person": {
      const role = roleOf(caller.login, repository);
      return needs.some((need) => need.permission !== "contents" || need.level === "read" || isAtLeast(role, "write"));
    }
    case "installation":
      return isInstalledOn(caller, repository) && needs.some((need) => isGranted(caller.permissions, need));
    case "app":
    case "anonymous":
      return false;
  }
}

function isGranted(permissions: AppPermissions, need: Need): boolean {
  const granted = permissions[need.permission];
  return granted === "write" || (granted === "read" && need.level === "read");
}

function isInstalledOn(caller: Extract<Caller, { kind: "installation" }>, repository: RepositorySeed): boolean {
  return caller.repositories.includes(repository.name);
}

/** The account behind a caller, `null` for the App itself and for nobody. */
export function accountOf(caller: Caller, { people, bot }: { people: Person[]; bot: Person }): Person | null {
  switch (caller.kind) {
    case "person":
      return people.find((person) => person.login === caller.login) ?? null;
    case "installation":
      return bot;
    case "app":
    case "anonymous":
      return null;
  }
}
