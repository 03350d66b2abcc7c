import { createReadStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract, type Header } from "tar-stream";
import { runTool } from "./run-tool.ts";

export type FetchPackageOptions = {
  /** Existing folder that the archive is put into. */
  folderPath: string;
  signal: AbortSignal;
};

/** Fetches a package's archive with npm, from the registry that this machine is set to. Resolves to its path. */
export async function fetchPackage(name: string, { folderPath, signal }: FetchPackageOptions): Promise<string> {
  const args = ["pack", name, "--pack-destination", folderPath, "--ignore-scripts", "--loglevel=error", "--json"];
  const answer = await runTool("npm", { args, signal });
  const fileName = /"filename":\s*"([^"/]+\.tgz)"/.exec(answer)?.[1] ?? "";
  return join(folderPath, fileName);
}

/** A file of a package; its content must be read to the end before the next one comes. */
export type PackageEntry = { header: Header; content: AsyncIterable<Buffer> };

/** The files of a package's archive, one after the other, named without the leading `package/`. */
export async function* readPackage(archivePath: string): AsyncGenerator<PackageEntry> {
  const archive = extract();
  pipeline(createReadStream(archivePath), createGunzip(), archive).catch((error: Error) => archive.destroy(error));
  for await (const entry of archive) {
    const name = entry.header.name.replace(/^[^/]+\//, "");
    if (entry.header.type === "file") yield { header: { ...entry.header, name }, content: toBuffers(entry) };
    else entry.resume();
  }
}

async function* toBuffers(source: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  for await (const chunk of source) if (Buffer.isBuffer(chunk)) yield chunk;
}
