import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";

export type Files = Record<string, string>;

/** A tar.gz of some files, as npm packs a package. */
export function toTarball(files: Files): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "tarball-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return execFileSync(
      "tar",
      ["-C", folder, "-cz", ...new Set(Object.keys(files).map((path) => path.split("/")[0] ?? ""))],
      { maxBuffer: 2 ** 28 },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A zip of some files, not compressed (APPNOTE.TXT 4.3): what Python's wheels and Go's modules come in. */
export function toZip(files: Files): Buffer {
  const [locals, centrals]: [Buffer[], Buffer[]] = [[], []];
  let offset = 0;
  for (const [path, text] of Object.entries(files)) {
    const [name, data] = [Buffer.from(path), Buffer.from(text)];
    const about = Buffer.alloc(26);
    about.writeUInt16LE(20, 0);
    about.writeUInt16LE(0x21, 8);
    about.writeUInt32LE(crc32(data), 10);
    about.writeUInt32LE(data.length, 14);
    about.writeUInt32LE(data.length, 18);
    about.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\u0003\u0004"), about, name, data]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    centrals.push(Buffer.concat([Buffer.from("PK\u0001\u0002\u0014\u0000"), about, rest, name]));
    locals.push(local);
    offset += local.length;
  }
  const size = centrals.reduce((sum, { length }) => sum + length, 0);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(locals.length, 4);
  end.writeUInt16LE(locals.length, 6);
  end.writeUInt32LE(size, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, ...centrals, Buffer.from("PK\u0005\u0006"), end]);
}

/** What go.sum says of files: Hash1 of golang.org/x/mod/sumdb/dirhash. */
export function toGoSum(files: Files): string {
  const toHash = (text: string) => createHash("sha256").update(text);
  const lines = Object.keys(files)
    .toSorted()
    .map((path) => `${toHash(files[path] ?? "").digest("hex")}  ${path}\n`);
  return `h1:${toHash(lines.join("")).digest("base64")}`;
}

/** Python's wheel of one module. */
export function toWheel(name: string, { code }: { code: string }): Buffer {
  const info = `${name}-1.0.0.dist-info`;
  const files = {
    [`${name}.py`]: code,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0.0\n`,
    [`${info}/WHEEL`]: "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
  };
  const record = [...Object.keys(files), `${info}/RECORD`].map((path) => `${path},,\n`).join("");
  return toZip({ ...files, [`${info}/RECORD`]: record });
}
