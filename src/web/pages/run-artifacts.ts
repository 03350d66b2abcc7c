import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Context } from "hono";
import type { RunFilesEverywhere } from "../../orchestrator/run-files.ts";
import type { RunId } from "../../run/id.ts";
import type { RunFile } from "../../store/run-files.ts";
import { addGuards, FILE_POLICY } from "./headers.ts";

/** The files of a run that have an address of their own. */
const artifacts: Record<string, { file: RunFile; type: string }> = {
  log: { file: "log", type: "text/plain; charset=utf-8" },
  diff: { file: "patch", type: "text/plain; charset=utf-8" },
  events: { file: "events", type: "text/plain; charset=utf-8" },
  result: { file: "result", type: "application/json; charset=utf-8" },
};

type Artifact = (typeof artifacts)[string];

/** The file that `/runs/<id>/<name>` is; null for other names. */
export function findArtifact(name: string): Artifact | null {
  return Object.hasOwn(artifacts, name) ? (artifacts[name] ?? null) : null;
}

export type SendArtifactOptions = {
  runId: RunId;
  files: Pick<RunFilesEverywhere, "readPieces" | "size">;
  onError: (error: unknown) => void;
};

/** A file as it is, whole, however long; null while it is not there. Of a HEAD request it reads nothing. */
export async function sendArtifact(
  context: Context<{ Bindings: HttpBindings }>,
  { file, type, runId, files, onError }: SendArtifactOptions & Artifact,
): Promise<Response | null> {
  if ((await files.size(runId, file)) === null) return null;
  const headers = { "content-type": type, "content-security-policy": FILE_POLICY };
  if (context.req.method === "HEAD") return new Response(null, { headers });
  const { outgoing } = context.env;
  outgoing.writeHead(200, addGuards(headers));
  // Not as a web stream: that takes memory for each piece, and a log has many.
  sendPieces(files.readPieces(runId, file), { to: outgoing }).catch((error: unknown) => {
    if (!outgoing.destroyed) onError(error);
    outgoing.destroy();
  });
  return RESPONSE_ALREADY_SENT;
}

/** Sends one piece after the other, each once the one before has left: who reads slowly takes no memory. */
async function sendPieces(pieces: AsyncIterable<Uint8Array>, { to }: { to: HttpBindings["outgoing"] }): Promise<void> {
  const { promise: left, reject } = Promise.withResolvers<never>();
  to.once("close", () => reject(new Error("nobody reads any more")));
  left.catch(() => {});
  for await (const piece of pieces) {
    const sent = new Promise<void>((resolve, fail) => to.write(piece, (error) => (error ? fail(error) : resolve())));
    await Promise.race([sent, left]);
  }
  to.end();
}
