import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";

const root = join(import.meta.dirname, "..", "..");
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "set-up-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

type RunOptions = { environment?: Record<string, string>; cwd?: string };

/** Runs a script with this Node, and tells what a person at the terminal would see. */
function run(argv: string[], { environment = {}, cwd = root }: RunOptions = {}) {
  const env = { PATH: process.env["PATH"], HOME: folder, ...environment };
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { cwd, env, encoding: "utf8" });
  return { status, stdout, stderr };
}

const findGit = (): string => spawnSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).stdout.trim();

/** Has a script believe that it runs on Node 20. */
const onNode20 = [
  "--import",
  `data:text/javascript,Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.1.0" } })`,
];

describe("the set-up", () => {
  test("says which engine DOCKER_HOST names when none answers there, and starts no other", () => {
    const host = `unix://${folder}/docker.sock`;
    const { status, stdout, stderr } = run(["scripts/with-set-up.mjs"], { environment: { DOCKER_HOST: host } });
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^set-up: No Docker engine answers at .*docker\.sock \(ENOENT\), which DOCKER_HOST names\./);
  });

  test("says which context names an engine that does not answer", () => {
    const meta = join(folder, "contexts/meta/2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae");
    mkdirSync(meta, { recursive: true });
    writeFileSync(join(folder, "config.json"), `{ "currentContext": "foo" }`);
    writeFileSync(join(meta, "meta.json"), `{ "Endpoints": { "docker": { "Host": "unix://${folder}/no.sock" } } }`);
    const { status, stderr } = run(["scripts/with-set-up.mjs"], { environment: { DOCKER_CONFIG: folder } });
    expect(status).toBe(1);
    expect(stderr).toContain(`which the Docker context "foo" names`);
  });

  test("refuses an engine on another machine, with the reason", () => {
    const { status, stderr } = run(["scripts/with-set-up.mjs"], { environment: { DOCKER_HOST: "ssh://a@b" } });
    expect(status).toBe(1);
    expect(stderr).toContain("the engine must be on it too");
  });

  test("says what to install when Chromium is missing and it may install nothing itself", () => {
    symlinkSync(findGit(), join(folder, "git"));
    const asUser = ["--import", "data:text/javascript,process.getuid = () => 1000"];
    const argv = [...asUser, "scripts/with-set-up.mjs", "test:browser"];
    const { status, stdout, stderr } = run(argv, { environment: { PATH: folder } });
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^set-up: chromium missing\. .*[Ii]nstall.* chromium.*, then repeat the command\.\n$/);
  });

  test("names the commands there are when it does not know one", () => {
    const { status, stderr } = run(["scripts/with-set-up.mjs", "dmeo"]);
    expect(status).toBe(1);
    expect(stderr).toContain(`no command "dmeo"; there are set-up, demo`);
  });
});

const Lockfile = z.object({
  packages: z.record(z.string(), z.looseObject({ optionalDependencies: z.record(z.string(), z.string()).optional() })),
});

test.each(["package-lock.json", "test/mcp-peers/package-lock.json"])(
  "%s names no registry, and every package for other platforms, or `npm ci` would refuse it (mend: npm run lock)",
  (name) => {
    const text = readFileSync(join(root, name), "utf8");
    expect(text).not.toContain('"resolved"');
    const { packages } = Lockfile.parse(JSON.parse(text));
    const described = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, "")));
    const named = Object.values(packages).flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies));
    expect(named.filter((name) => !described.has(name))).toEqual([]);
  },
);

describe("the launcher", () => {
  test("prints the help from a checkout", () => {
    const { status, stdout } = run(["bin/codex-orchestrator.mjs", "--help"]);
    expect(status).toBe(0);
    expect(stdout).toContain("Usage: codex-orchestrator");
  });

  test("is found by `npm exec` without the network and with an empty home folder", () => {
    const argv = ["exec", "--offline", "codex-orchestrator", "--", "--help"];
    const env = { PATH: process.env["PATH"], HOME: folder, npm_config_update_notifier: "false" };
    const { status, stdout } = spawnSync("npm", argv, { cwd: root, env, encoding: "utf8" });
    expect(status).toBe(0);
    expect(stdout).toContain("Usage: codex-orchestrator");
  });

  test("on an older Node goes on with the one that came with the dependencies", () => {
    const { status, stdout } = run([...onNode20, "bin/codex-orchestrator.mjs", "--help"]);
    expect(status).toBe(0);
    expect(stdout).toContain("Usage: codex-orchestrator");
  });

  test("on an older Node without another one says what to install, and exits with 2", () => {
    for (const name of ["bin", "scripts", "package.json"])
      cpSync(join(root, name), join(folder, name), { recursive: true });
    const { status, stdout, stderr } = run([...onNode20, "bin/codex-orchestrator.mjs", "--help"], { cwd: folder });
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(/^codex-orchestrator: Node 24 or newer is needed, this is 20\.1\.0; install it from .*\n$/);
  });

  test("on an older Node whose replacement is older as well starts no third one", () => {
    const log = join(folder, "starts");
    const count = `data:text/javascript,import{appendFileSync,readFileSync}from"node:fs";
      appendFileSync("${log}","x");if(readFileSync("${log}").length>5)process.exit(99)`.replaceAll(/\n\s*/g, "");
    const environment = {
      NODE_OPTIONS: [...onNode20, "--import", count].map((part) => JSON.stringify(part)).join(" "),
    };
    const { status, stdout, stderr } = run(["bin/codex-orchestrator.mjs", "--help"], { environment });
    expect({ status, stdout, starts: readFileSync(log, "utf8") }).toEqual({ status: 2, stdout: "", starts: "xx" });
    expect(stderr).toMatch(/^codex-orchestrator: Node 24 or newer is needed, this is 20\.1\.0; install it from .*\n$/);
  });

  test("says what to do where the dependencies are not installed", () => {
    cpSync(join(root, "bin"), join(folder, "bin"), { recursive: true });
    writeFileSync(join(folder, "package.json"), `{ "type": "module" }`);
    mkdirSync(join(folder, "src"));
    writeFileSync(join(folder, "src/main.ts"), `import "not-installed-anywhere";`);
    const { status, stdout, stderr } = run(["bin/codex-orchestrator.mjs", "--help"], { cwd: folder });
    expect({ status, stdout, stderr }).toEqual({
      ...{ status: 2, stdout: "" },
      stderr: "codex-orchestrator: the dependencies are not installed; run `npm ci` in the checkout.\n",
    });
  });

  test("runs the built program only while it is newer than the source", () => {
    cpSync(join(root, "bin"), join(folder, "bin"), { recursive: true });
    writeFileSync(join(folder, "package.json"), `{ "type": "module" }`);
    for (const name of ["src", "dist"]) mkdirSync(join(folder, name));
    writeFileSync(join(folder, "src/main.ts"), `console.log("source" as string);`);
    writeFileSync(join(folder, "dist/main.js"), `console.log("built");`);
    const buildTime = Date.now() / 1000 + 60;
    utimesSync(join(folder, "dist/main.js"), buildTime, buildTime);
    expect(run(["bin/codex-orchestrator.mjs"], { cwd: folder }).stdout).toBe("built\n");

    writeFileSync(join(folder, "src/other.ts"), "");
    utimesSync(join(folder, "src/other.ts"), buildTime + 60, buildTime + 60);
    expect(run(["bin/codex-orchestrator.mjs"], { cwd: folder }).stdout).toBe("source\n");

    rmSync(join(folder, "src"), { recursive: true });
    expect(run(["bin/codex-orchestrator.mjs"], { cwd: folder }).stdout).toBe("built\n");
  });
});
