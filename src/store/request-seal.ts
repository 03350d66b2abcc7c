import { z } from "zod";
import { EnvVars } from "../run/env-vars.ts";
import { RunId } from "../run/id.ts";
import type { RunRequest } from "../run/request.ts";
import { createSeal, type Seal } from "../seal.ts";
import { json } from "./run-row.ts";
import { makeSealKey, readSealKey } from "./seal-key.ts";

/**
 * Where the key comes from: a file on this machine, made when it is first needed; a secret that all machines share; or
 * nowhere, so that no run may have variables.
 */
export type SealKey = { kind: "file"; path: string } | { kind: "shared"; keyMaterial: string } | { kind: "none" };

/** Locks away what of a request only the process may read that executes it: the values of its variables, and its prompt with them in it. */
export type RequestSeal = {
  /** Says in a sentence why runs cannot have variables here; null when they can. */
  problem: string | null;
  /** What goes on record beside the request as it is shown; null when it has no variables. Rejects when there is no key. */
  close(request: RunRequest): Promise<string | null>;
  /**
   * The request as it was asked for; null when it was sealed with another key, or for another run. Rejects with `ZodError`
   * when what was sealed has another shape, and otherwise when the key cannot be read just now.
   */
  open(shown: RunRequest, sealed: string): Promise<RunRequest | null>;
};

const NO_KEY =
  "Runs cannot have variables here: several machines share the database, and only the App's private key (PRIVATE_KEY) can seal their values in it.";

const Sealed = z.object({ run_id: RunId, prompt: z.string(), env_vars: EnvVars });

/** Makes the seal of requests. Reads or makes no key before there is something to seal. */
export function createRequestSeal(key: SealKey): RequestSeal {
  return {
    problem: key.kind === "none" ? NO_KEY : null,
    close: async ({ run_id, prompt, env_vars }) => {
      if (env_vars === null) return null;
      const seal = await readSeal(key, { missing: "make" });
      if (seal === null) throw new Error(NO_KEY);
      return seal.close(JSON.stringify({ run_id, prompt, env_vars }));
    },
    open: async (shown, sealed) => {
      const text = (await readSeal(key, { missing: "leave" }))?.open(sealed) ?? null;
      if (text === null) return null;
      const { run_id: runId, ...hidden } = json(Sealed).parse(text);
      return runId === shown.run_id ? { ...shown, ...hidden } : null;
    },
  };
}

async function readSeal(key: SealKey, { missing }: { missing: "make" | "leave" }): Promise<Seal | null> {
  const keyMaterial = await readKeyMaterial(key, { missing });
  return keyMaterial === null ? null : createSeal(keyMaterial, { purpose: "variables of runs" });
}

async function readKeyMaterial(key: SealKey, { missing }: { missing: "make" | "leave" }): Promise<string | null> {
  switch (key.kind) {
    case "none":
      return null;
    case "shared":
      return key.keyMaterial;
    case "file":
      return missing === "make" ? makeSealKey(key.path) : readSealKey(key.path);
  }
}
