import type { RunRecord } from "../../store/runs.ts";
import type { Viewer } from "./layout.ts";

/** Whether a run's changes are shown to no guest: a secret was found in them, and links stand where many read. */
export function isHeldBack({ result }: RunRecord, { viewer }: { viewer: Viewer }): boolean {
  return viewer.visitor.kind === "guest" && result?.error?.reason === "secret-found";
}
