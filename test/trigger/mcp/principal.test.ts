import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLocalPrincipal, createPrincipal } from "../../../src/trigger/mcp/principal.ts";

let folder = "";
let workspacePath = "";
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "principal-")));
  workspacePath = join(folder, "workspace");
  for (const path of ["workspace/team/app", "workspace/other/app", "outside"])
    mkdirSync(join(folder, path), { recursive: true });
  symlinkSync("../other/app", join(workspacePath, "team", "link"));
  symlinkSync("../outside", join(workspacePath, "away"));
  symlinkSync("workspace", join(folder, "same"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const limited = (repositories: string[]) => createPrincipal("ci", { scopes: ["run"], repositories, workspacePath });

describe("a principal with a list of repositories", () => {
  test.each([
    ["octo-org/*", "octo-org/app", true],
    ["octo-org/*", "Octo-Org/APP", true],
    ["octo-org/*", "octo-org/.github", true],
    ["octo-org/*", "octo-org-evil/app", false],
    ["octo-org/app", "octo-org/app2", false],
    ["octo-org/*", "https://git.example/octo-org/app", false],
    ["https://git.example/team/*", "https://git.example/team/app.git", true],
    ["https://git.example/team/*", "https://git.example/team/a/b", false],
    ["https://git.example/team/**", "https://git.example/team/a/b", true],
    ["https://git.example/team/*", "https://git.example.evil/team/app", false],
    ["https://git.example/team/*", "https://git.example/team/..%2Fother", false],
    ["https://git.example/**", "https://git.example/team?repo=other", false],
    ["**", "https://git.example/team/app", true],
    ["**", "octo-org/app", true],
    ["!octo-org/*", "other/app", false],
  ])("%s and %s: %s", (glob, name, isAllowed) => {
    expect(limited([glob]).mayUseName(name)).toBe(isAllowed);
  });

  test.each([
    ["./team/*", "team/app", true],
    ["./team/*", "team/gone", true],
    ["./team/*", "other/app", false],
    ["./team/*", "Team/app", false],
    ["./team/*", "team/link", false],
    ["./other/*", "team/link", true],
    ["./team/*", "team/../other/app", false],
    ["./team/*", "away/../team/app", false],
    ["./../*", "../outside", false],
    ["./**", "team/app", true],
    ["./**", "", false],
    ["./**", "away", false],
    ["./**", "../outside", false],
    [".", "", true],
    [".", "team/app", false],
    ["team/*", "team/app", false],
    ["**", "team/app", false],
  ])("%s and the folder %j in the workspace: %s", (glob, path, isAllowed) => {
    const full = path === "" ? workspacePath : `${workspacePath}/${path}`;
    expect(limited([glob]).mayUse({ kind: "local", path: full })).toBe(isAllowed);
    expect(limited([glob]).mayUseName(full)).toBe(isAllowed);
  });

  test("knows no folder outside of the workspace, even by a glob that leads there", () => {
    expect(limited(["./../*"]).mayUseName(join(folder, "outside"))).toBe(false);
  });

  test("knows a folder by each name of the workspace, and none of GitHub's by a folder's glob", () => {
    const throughLink = createPrincipal("ci", {
      scopes: ["run"],
      repositories: ["./team/*"],
      workspacePath: join(folder, "same"),
    });
    expect(throughLink.mayUseName(join(workspacePath, "team/app"))).toBe(true);
    expect(throughLink.mayUseName(join(folder, "same/team/app"))).toBe(true);
    expect(throughLink.mayUse({ kind: "github", owner: "team", name: "app" })).toBe(false);
  });

  test("asks of a repository what it asks of its name", () => {
    const { mayUse } = limited(["octo-org/*", "https://git.example/**"]);
    expect(mayUse({ kind: "github", owner: "octo-org", name: "app" })).toBe(true);
    expect(mayUse({ kind: "github", owner: "evil", name: "app" })).toBe(false);
    expect(mayUse({ kind: "url", url: "https://git.example/a/b" })).toBe(true);
    expect(mayUse({ kind: "local", path: workspacePath })).toBe(false);
  });
});

test("without a list every repository may be used, with the scopes that were given", () => {
  const principal = createPrincipal("ci", { scopes: ["read"], repositories: null, workspacePath });
  expect(principal).toMatchObject({ name: "ci", scopes: ["read"] });
  expect(principal.mayUseName("/anywhere")).toBe(true);
});

test("the caller over stdio may do everything", () => {
  const principal = createLocalPrincipal("ada");
  expect(principal).toMatchObject({ name: "ada", scopes: ["run", "read", "cancel"] });
  expect(principal.mayUse({ kind: "github", owner: "o", name: "r" })).toBe(true);
  expect(principal.mayUseName("/anywhere")).toBe(true);
});
