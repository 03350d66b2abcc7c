import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findAptSource, parseDeb822Sources, parseOneLineSources } from "../../src/image/apt-source.ts";

let rootPath = "";

beforeEach(() => {
  rootPath = mkdtempSync(join(tmpdir(), "apt-"));
});

afterEach(() => {
  rmSync(rootPath, { recursive: true });
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(rootPath, path)), { recursive: true });
  writeFileSync(join(rootPath, path), text);
}

const bookworm = "ID=debian\nVERSION_CODENAME=bookworm\n";

describe("the one-line form", () => {
  test("options, comments and several components are read", () => {
    const text = [
      "# deb http://commented.example/debian bookworm main",
      "deb-src http://source.example/debian bookworm main",
      "deb [arch=amd64 signed-by=/usr/share/keyrings/own.gpg] https://mirror.example/debian bookworm main contrib # ours",
      "deb http://mirror.example/ubuntu noble main universe",
    ].join("\n");
    expect(parseOneLineSources(text)).toEqual([
      {
        mirror: "https://mirror.example/debian",
        suite: "bookworm",
        components: ["main"],
        keyringPath: "/usr/share/keyrings/own.gpg",
      },
      {
        mirror: "http://mirror.example/ubuntu",
        suite: "noble",
        components: ["main", "universe"],
        keyringPath: null,
      },
    ]);
  });

  test.each(["", "deb", "deb cdrom:[Debian]/ bookworm main", "deb file:/srv/mirror bookworm main", "\0 nonsense"])(
    "what is no mirror on the web is left out: %j",
    (text) => {
      expect(parseOneLineSources(text)).toEqual([]);
    },
  );
});

describe("the deb822 form", () => {
  test("several stanzas, suites and addresses, folded values, comments and switched-off stanzas are read", () => {
    const text = [
      "Types: deb deb-src",
      "# where from",
      "URIs: http://one.example/debian",
      " http://two.example/debian",
      "Suites: bookworm bookworm-updates",
      "Components: main non-free",
      "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg",
      "",
      "Types: deb",
      "Enabled: no",
      "URIs: http://off.example/debian",
      "Suites: bookworm",
      "Components: main",
      "",
      "Types: deb",
      "URIs: https://inline.example/debian",
      "Suites: bookworm",
      "Components: main",
      "Signed-By:",
      " -----BEGIN PGP PUBLIC KEY BLOCK-----",
      " .",
      " mDMEY",
    ].join("\n");
    const keyringPath = "/usr/share/keyrings/debian-archive-keyring.gpg";
    const components = ["main"];
    expect(parseDeb822Sources(text)).toEqual([
      { mirror: "http://one.example/debian", suite: "bookworm", components, keyringPath },
      { mirror: "http://one.example/debian", suite: "bookworm-updates", components, keyringPath },
      { mirror: "http://two.example/debian", suite: "bookworm", components, keyringPath },
      { mirror: "http://two.example/debian", suite: "bookworm-updates", components, keyringPath },
      { mirror: "https://inline.example/debian", suite: "bookworm", components, keyringPath: null },
    ]);
  });
});

describe("finding the machine's own mirror", () => {
  test("the suite that carries the release's name is taken, not its updates, nor a foreign repository", async () => {
    write("etc/os-release", bookworm);
    write("etc/apt/sources.list.d/a-foreign.list", "deb https://foreign.example/apt nodistro main\n");
    write(
      "etc/apt/sources.list.d/debian.sources",
      "Types: deb\nURIs: http://own.example/debian\nSuites: bookworm-updates bookworm\nComponents: main\n",
    );
    expect(await findAptSource({ rootPath })).toMatchObject({ mirror: "http://own.example/debian", suite: "bookworm" });
  });

  test("the old place is read as well", async () => {
    write("etc/os-release", bookworm);
    write("etc/apt/sources.list", "deb http://old.example/debian bookworm main\n");
    expect(await findAptSource({ rootPath })).toMatchObject({ mirror: "http://old.example/debian" });
  });

  test("a machine without apt, or with foreign repositories only, has none", async () => {
    expect(await findAptSource({ rootPath })).toBeNull();
    write("etc/os-release", bookworm);
    write("etc/apt/sources.list", "deb https://foreign.example/apt nodistro main\n");
    expect(await findAptSource({ rootPath })).toBeNull();
  });
});
