import { setTimeout as sleep } from "node:timers/promises";
import type { ApiAnswer, ApiRequest } from "./exchange.ts";
import type { Json } from "./json.ts";

/** A failure to inject into the REST API. */
export type Fault = {
  method: string;
  /** Template below `/api/v3`, `{name}` for any one segment: `/repos/{owner}/{repo}/pulls`. */
  path: string;
  /** Status to answer; `reset` closes the connection without one, `delay` only waits. */
  status: number | "reset" | "delay";
  /** `before` the call does anything (default), or `after` it has taken effect: the answer gets lost. */
  when?: "before" | "after";
  /** How often it happens (default 1). */
  times?: number;
  headers?: Record<string, string>;
  body?: Json;
  delayMs?: number;
};

/** What a fault does to one call. */
export type FaultEffect = { kind: "answer"; answer: ApiAnswer } | { kind: "reset" };

/** The failures that are still to happen. */
export type FaultList = {
  add(fault: Fault): void;
  /** Uses up the first fault that fits; `null` when the call is to go on as if nothing were. */
  take(request: ApiRequest, when: "before" | "after"): Promise<FaultEffect | null>;
};

/** An empty list. */
export function createFaultList(): FaultList {
  const faults: (Fault & { left: number })[] = [];
  return {
    add: (fault) => void faults.push({ ...fault, left: fault.times ?? 1 }),
    async take(request, when) {
      const fault = faults.find((one) => one.left > 0 && (one.when ?? "before") === when && fits(one, request));
      if (fault === undefined) return null;
      fault.left -= 1;
      if (fault.delayMs !== undefined) await sleep(fault.delayMs);
      if (fault.status === "delay") return null;
      if (fault.status === "reset") return { kind: "reset" };
      const body = fault.body ?? { message: "injected failure", documentation_url: "https://docs.github.com/rest" };
      return { kind: "answer", answer: { status: fault.status, headers: fault.headers ?? {}, body } };
    },
  };
}

function fits(fault: Fault, { method, path }: ApiRequest): boolean {
  const wanted = fault.path.split("/");
  const given = path.split("/");
  if (fault.method !== method || wanted.length !== given.length) return false;
  return wanted.every((segment, at) => segment === given[at] || /^\{.*\}$/.test(segment));
}
