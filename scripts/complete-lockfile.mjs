// Adds to every package-lock.json the platform packages (native bindings for other machines) that npm left out.
//
// npm drops an optional package from the lockfile when the registry that it was made with does not carry it, and `npm ci`
// then refuses the whole lockfile as incomplete. An entry with version, os and cpu is enough for both: other machines
// install the package, this one skips it. Run by `npm run lock`, after dependencies changed.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const systems = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const processors = ["arm64", "arm", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "x64"];

/**
 * The optional packages that the lockfile names but does not describe.
 *
 * @param {{ packages: Record<string, any> }} lockfile
 * @returns {{ name: string, version: string, parent: Record<string, any> }[]}
 */
export function findMissingPackages({ packages }) {
  const described = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, "")));
  return Object.values(packages).flatMap((parent) =>
    Object.entries(parent.optionalDependencies ?? {})
      .filter(([name]) => !described.has(name))
      .map(([name, version]) => ({ name, version, parent })),
  );
}

/**
 * The lockfile with an entry for every optional package it names. Rejects a package whose name does not tell its platform.
 *
 * @template {{ packages: Record<string, any> }} T
 * @param {T} lockfile
 * @returns {T}
 */
export function completeLockfile(lockfile) {
  const packages = { ...lockfile.packages };
  for (const { name, version, parent } of findMissingPackages(lockfile)) {
    const { cpu, libc, os } = toPlatform(name);
    packages[`node_modules/${name}`] = {
      version: toLowestVersion(version),
      ...(cpu ? { cpu } : {}),
      ...(parent.dev ? { dev: true } : {}),
      ...(libc ? { libc } : {}),
      license: parent.license,
      optional: true,
      os,
    };
  }
  const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, "en"));
  return { ...lockfile, packages: Object.fromEntries(sorted) };
}

/** The version itself, or the lowest one that a range like `^0.1.0` takes. */
function toLowestVersion(/** @type {string} */ range) {
  return range.replace(/^[\^~]/, "");
}

/** @param {string} name for example `@oxlint/binding-linux-arm64-musl`; without a processor it is for all of a system's */
function toPlatform(name) {
  const words = name.split(/[/-]/).map((word) => (word === "windows" ? "win32" : word));
  const system = systems.find((known) => words.includes(known));
  const processor = processors.find((known) => words.includes(known));
  if (system === undefined) throw new Error(`no platform in the name of ${name}`);
  const family = words.at(-1)?.replace(/eabi(hf)?$/, "");
  const libc = system !== "linux" ? undefined : family === "musl" ? ["musl"] : family === "gnu" ? ["glibc"] : undefined;
  return { cpu: processor === undefined ? undefined : [processor], libc, os: [system] };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of ["package-lock.json", "test/mcp-peers/package-lock.json"]) {
    const path = fileURLToPath(new URL(`../${name}`, import.meta.url));
    const lockfile = JSON.parse(readFileSync(path, "utf8"));
    const missing = findMissingPackages(lockfile);
    if (missing.length > 0) writeFileSync(path, `${JSON.stringify(completeLockfile(lockfile), null, 2)}\n`);
    console.log(`${name}: ${missing.length} platform packages added`);
  }
}
