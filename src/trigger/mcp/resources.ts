import { z } from "zod";
import { RunId } from "../../run/id.ts";
import type { RunFile } from "../../store/run-files.ts";
import type { CallContext, McpParts } from "./call-context.ts";

/** What of a run is a resource. */
const RunResource = z.enum(["log", "diff", "result"]);
type RunResource = z.infer<typeof RunResource>;

export type RunAddress = { runId: RunId; resource: RunResource };

const files: Record<RunResource, { file: RunFile; mimeType: string; about: string }> = {
  log: { file: "log", mimeType: "text/plain", about: "What the agent said and did, for people." },
  diff: { file: "patch", mimeType: "text/x-diff", about: "What it changed; `git apply` takes it." },
  result: { file: "result", mimeType: "application/json", about: "The result document, once the run is over." },
};

/** The addresses of resources, as RFC 6570 templates. */
export const RESOURCE_TEMPLATES = RunResource.options.map((resource) => ({
  uriTemplate: `run://{run_id}/${resource}`,
  name: `run-${resource}`,
  title: `A run's ${resource}`,
  description: files[resource].about,
  mimeType: files[resource].mimeType,
}));

/** Reads `run://<run id>/<log, diff or result>`; null for everything else. */
export function parseRunUri(uri: string): RunAddress | null {
  const [, id, name] = /^run:\/\/([0-9a-f-]{36})\/([a-z]+)$/.exec(uri) ?? [];
  const [runId, resource] = [RunId.safeParse(id), RunResource.safeParse(name)];
  return runId.success && resource.success ? { runId: runId.data, resource: resource.data } : null;
}

const RUNS_PER_PAGE = 20;

/** The resources of the newest runs that the caller may see, in pages; the cursor is a run's id. */
export async function listResources(
  { parts, principal }: Pick<CallContext, "parts" | "principal">,
  { cursor }: { cursor: string | undefined },
) {
  const before = RunId.safeParse(cursor).data;
  const records = await parts.store.list({ limit: RUNS_PER_PAGE, before });
  const resources = records
    .filter(({ repo }) => principal.mayUseName(repo))
    .flatMap(({ runId, repo, state }) =>
      RunResource.options.map((resource) => ({
        uri: `run://${runId}/${resource}`,
        name: `${runId}/${resource}`,
        title: `${repo}, ${state}: ${resource}`,
        mimeType: files[resource].mimeType,
      })),
    );
  const last = records.length === RUNS_PER_PAGE ? records.at(-1)?.runId : undefined;
  return { resources, ...(last === undefined ? {} : { nextCursor: last }) };
}

/** How much of a resource is read at once, in bytes; of a log its end. codex_run_artifacts has all of it, page by page. */
const MAX_BYTES = 64 * 1024;

/** The text of a resource; null when the run has not come that far. */
export async function readResource(
  { runId, resource }: RunAddress,
  { parts }: { parts: Pick<McpParts, "files"> },
): Promise<{ text: string; mimeType: string } | null> {
  const { file, mimeType } = files[resource];
  const found =
    resource === "log"
      ? await parts.files.readTail(runId, file, { maxBytes: MAX_BYTES })
      : await parts.files.readPage(runId, file, { offset: 0, limit: MAX_RESULT_BYTES });
  return found === null ? null : { text: found.text, mimeType };
}

/** A diff or a result that was cut in the middle would be no diff and no result any more: they come whole, up to 2 MiB. */
const MAX_RESULT_BYTES = 2 * 1024 * 1024;
