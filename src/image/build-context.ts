import { once } from "node:events";
import { Readable } from "node:stream";
import { pack, type Pack } from "tar-stream";
import { readPackage } from "./fetch-package.ts";
import type { Recipe } from "./recipe.ts";

export type OpenBuildContextOptions = {
  /** Archive of Codex's npm package for the engine's platform. */
  codexArchivePath: string;
};

/**
 * What the engine builds the image from: the recipe's files, and Codex unpacked below `codex/`, so that nothing has to
 * be fetched inside the build. Written while it is read; a failure destroys the stream.
 */
export function openBuildContext(recipe: Recipe, { codexArchivePath }: OpenBuildContextOptions): Readable {
  const context = pack();
  writeContext(context, { recipe, codexArchivePath }).catch((error: Error) => context.destroy(error));
  return Readable.from(context);
}

type WriteOptions = OpenBuildContextOptions & { recipe: Recipe };

async function writeContext(context: Pack, { recipe, codexArchivePath }: WriteOptions): Promise<void> {
  for (const { name, mode, bytes } of recipe.files) context.entry({ name, mode }, bytes);
  context.entry({ name: "codex/", type: "directory", mode: 0o755 });
  for await (const { header, content } of readPackage(codexArchivePath)) {
    const { name, mode, size } = header;
    // 49 MB for speaking and listening, which nobody does in a container.
    const isUnused = name.includes("/codex-resources/voice/");
    const target = isUnused ? null : context.entry({ name: `codex/${name}`, mode, size });
    for await (const chunk of content) {
      if (target?.write(chunk) === false) await once(target, "drain");
    }
    target?.end(null);
  }
  context.finalize();
}
