import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { expect, test } from "vitest";
import { toEnvironmentExample } from "../../src/config/environment-example.ts";
import { Environment } from "../../src/config/environment.ts";

const root = join(import.meta.dirname, "..", "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const example = read("docker/.env.example");
const compose = read("docker/docker-compose.yml");
const dockerfile = read("docker/orchestrator/Dockerfile");

/** The variables that docker-compose.yml takes from docker/.env, with what it does when they are missing. */
const asked = [...compose.matchAll(/\$\{(\w+):([?-])/g)].map(([, name = "", kind = ""]) => ({ name, kind }));
/** The lines of the first part, which docker-compose.yml reads by itself. */
const forCompose = example.slice(0, example.indexOf("# --- The orchestrator"));

test("docker/.env.example lists every variable of the schema with its default", () => {
  const end = example.slice(-toEnvironmentExample().length);
  expect(end).toBe(toEnvironmentExample());
});

test("its defaults are values that the orchestrator takes", () => {
  const switchedOn = toEnvironmentExample().replaceAll(/^#(?=[A-Z_]+=)/gm, "");
  const values = Object.entries(parseEnv(switchedOn)).filter(([, value]) => value !== "");
  expect(values.length).toBeGreaterThan(10);
  expect(Environment.safeParse(Object.fromEntries(values)).error).toBeUndefined();
});

test("docker/.env.example names what docker-compose.yml asks for, and asks for what must be filled in", () => {
  const names = new Set(asked.map(({ name }) => name));
  const named = [...forCompose.matchAll(/^#?([A-Z_]+)=/gm)].map(([, name = ""]) => name);
  expect(named.toSorted()).toEqual([...names, "COMPOSE_PROJECT_NAME"].toSorted());
  const required = asked.filter(({ kind }) => kind === "?").map(({ name }) => name);
  expect([...forCompose.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name)).toEqual(expect.arrayContaining(required));
});

test("its defaults are those of docker-compose.yml", () => {
  const defaults = Object.fromEntries(
    [...compose.matchAll(/\$\{(\w+):-([^}]*)\}/g)].map(([, name = "", value = ""]) => [name, value]),
  );
  for (const [name, value] of Object.entries(defaults)) expect(forCompose).toContain(`\n#${name}=${value}\n`);
});

test("docker-compose.yml sets nothing that the orchestrator does not know, and .env.example says what", () => {
  const block = /environment: &environment\n((?: {4}\S.*\n)+)/.exec(compose)?.[1] ?? "";
  const names = [...block.matchAll(/^ {4}(\w+):/gm)].map(([, name = ""]) => name);
  expect(Object.keys(Environment.shape)).toEqual(expect.arrayContaining(names));
  const last = names.at(-1);
  expect(example).toContain(`itself sets ${names.slice(0, -1).join(", ")} and ${last}.`);
});

test("what the Dockerfile copies is let into the build, and nothing else is", () => {
  const allowed = read(".dockerignore")
    .split("\n")
    .filter((line) => line.startsWith("!"))
    .map((line) => line.slice(1));
  const copied = [...dockerfile.matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, sources = ""]) => sources.split(" "));
  const isUnder = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);
  for (const source of copied) expect(allowed.some((folder) => isUnder(source.replace(/\/$/, ""), folder))).toBe(true);
  for (const folder of allowed) expect(copied.some((source) => isUnder(source, folder))).toBe(true);
  expect(read(".dockerignore")).toMatch(/^\*$/m);
});
