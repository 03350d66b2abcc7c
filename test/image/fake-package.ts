import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";

/** Writes an archive as `npm pack` makes it, and gives its path. */
export async function writePackage(folderPath: string, files: Record<string, string>): Promise<string> {
  const tar = pack();
  for (const [name, text] of Object.entries(files)) tar.entry({ name: `package/${name}`, mode: 0o755 }, text);
  tar.finalize();
  const path = join(folderPath, "package.tgz");
  writeFileSync(path, gzipSync(await buffer(Readable.from(tar))));
  return path;
}
