import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Where a Debian-like machine gets its packages from. */
export type AptSource = { mirror: string; suite: string; components: string[]; keyringPath: string | null };

/** Components that a base image may be made of; the tools stand in `universe` on Ubuntu. */
const usedComponents = ["main", "universe"];

/**
 * Finds the machine's own mirror of its own distribution. Null when this is no such machine.
 *
 * Updates, security and foreign repositories are not it: only the suite that carries the release's name is.
 */
export async function findAptSource({ rootPath = "/" } = {}): Promise<AptSource | null> {
  const release = await readFile(join(rootPath, "etc/os-release"), "utf8").catch(() => "");
  const codename = /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(release)?.[1];
  const sources = await readAptSources(join(rootPath, "etc/apt"));
  return sources.find(({ suite, components }) => suite === codename && components.includes("main")) ?? null;
}

async function readAptSources(folderPath: string): Promise<AptSource[]> {
  const names = await readdir(join(folderPath, "sources.list.d")).catch(() => []);
  const paths = ["sources.list", ...names.map((name) => join("sources.list.d", name))];
  const sources = paths.map(async (path) => {
    const text = await readFile(join(folderPath, path), "utf8").catch(() => "");
    if (path.endsWith(".sources")) return parseDeb822Sources(text);
    return path.endsWith(".list") ? parseOneLineSources(text) : [];
  });
  return (await Promise.all(sources)).flat();
}

/** Reads the one-line form of sources.list(5): `deb [signed-by=/path] http://mirror suite main`. */
export function parseOneLineSources(text: string): AptSource[] {
  return text.split("\n").flatMap((line) => {
    const entry = /^\s*deb\s+(?:\[(?<options>[^\]]*)\]\s+)?(?<uri>\S+)\s+(?<suite>\S+)\s+(?<rest>[^#]*)/.exec(
      line,
    )?.groups;
    const { options = "", uri = "", suite = "", rest = "" } = entry ?? {};
    return toSources({
      uris: [uri],
      suites: [suite],
      components: toWords(rest),
      signedBy: /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1],
    });
  });
}

/** Reads the deb822 form of sources.list(5): stanzas of `Field: value`, where a value may go on in indented lines. */
export function parseDeb822Sources(text: string): AptSource[] {
  const withoutComments = text.replace(/^#.*\n?/gm, "");
  return withoutComments.split(/\n\s*\n/).flatMap((stanza) => {
    const unfolded = stanza.replace(/\n[ \t]+/g, " ");
    const fields = new Map(
      [...unfolded.matchAll(/^([\w-]+):[ \t]*(.*)$/gm)].map(([, name = "", value = ""]) => [name.toLowerCase(), value]),
    );
    const isUsed = toWords(fields.get("types")).includes("deb") && fields.get("enabled")?.trim() !== "no";
    if (!isUsed) return [];
    return toSources({
      uris: toWords(fields.get("uris")),
      suites: toWords(fields.get("suites")),
      components: toWords(fields.get("components")),
      signedBy: fields.get("signed-by"),
    });
  });
}

type Entry = { uris: string[]; suites: string[]; components: string[]; signedBy: string | undefined };

/** A key that stands in the file itself, instead of a path, is left to debootstrap's own keyrings. */
function toSources({ uris, suites, components, signedBy = "" }: Entry): AptSource[] {
  const keyringPath = /^\/\S+$/.exec(signedBy.trim())?.[0] ?? null;
  const used = components.filter((component) => usedComponents.includes(component));
  return uris
    .filter((uri) => /^https?:\/\//.test(uri))
    .flatMap((mirror) => suites.map((suite) => ({ mirror, suite, components: used, keyringPath })));
}

function toWords(text = ""): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
