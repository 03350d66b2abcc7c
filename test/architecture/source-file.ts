import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { parseSync } from "oxc-parser";
import { z } from "zod";

/** One import, re-export or dynamic import of a file. */
export type Import = {
  /** What stands in the source. */
  specifier: string;
  /** The file it means, from the repository's root, or null for a package. */
  target: string | null;
  /** The names taken from it; empty for a namespace, a default or a dynamic import. */
  names: string[];
};

export type FunctionShape = { name: string; parameterCount: number };

/** What the rules need to know of one source file. `path` starts at the repository's root: `src/git/git.ts`. */
export type SourceFile = {
  path: string;
  imports: Import[];
  /** The named functions declared in it, at any depth. */
  functions: FunctionShape[];
  /** The exported functions and classes without a doc comment above them. */
  undocumented: string[];
  /** Whether it does nothing but pass on what other files export. */
  isBarrel: boolean;
  readsEnvironment: boolean;
};

type Node = { type: string };

/** A whole tree holds tens of thousands of values: too many for a schema each. */
function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

const Source = z.looseObject({ source: z.looseObject({ value: z.string() }) });
const Named = z.looseObject({ id: z.looseObject({ name: z.string() }), params: z.array(z.unknown()) });
const Exported = z.looseObject({
  start: z.number(),
  declaration: z.looseObject({
    type: z.enum(["FunctionDeclaration", "ClassDeclaration"]),
    id: z.looseObject({ name: z.string() }),
  }),
});
const Environment = z.looseObject({
  object: z.looseObject({ name: z.literal("process") }),
  property: z.union([z.looseObject({ name: z.literal("env") }), z.looseObject({ value: z.literal("env") })]),
});
const Specifiers = z.looseObject({
  specifiers: z
    .array(z.looseObject({ imported: z.looseObject({ name: z.string().optional() }).optional() }))
    .default([]),
});

/** Reads every TypeScript file under `src/`. */
export function readSourceFiles(rootPath: string): SourceFile[] {
  const paths = globSync("src/**/*.ts", { cwd: rootPath }).toSorted();
  return paths.map((path) => parseSourceFile(path, { text: readFileSync(join(rootPath, path), "utf8") }));
}

/** Parses one file. Throws when it is not TypeScript. */
export function parseSourceFile(path: string, { text }: { text: string }): SourceFile {
  const body = parseText(text, { path });
  const nodes = body.flatMap(listNodes);
  const imports = nodes.flatMap((node) => toImport(node, { path }) ?? []);
  return {
    path,
    imports,
    functions: nodes.flatMap((node) => toFunction(node) ?? []),
    undocumented: body.flatMap((node) => toUndocumented(node, { text }) ?? []),
    isBarrel: body.length > 0 && body.every((node) => node.type.startsWith("Export") && hasSource(node)),
    readsEnvironment:
      nodes.some((node) => node.type === "MemberExpression" && Environment.safeParse(node).success) ||
      imports.some(({ specifier, names }) => /^(node:)?process$/.test(specifier) && names.includes("env")),
  };
}

function parseText(text: string, { path }: { path: string }): Node[] {
  const { program, errors } = parseSync(path, text);
  if (errors[0] !== undefined) throw new Error(`${path} could not be parsed: ${errors[0].message}`);
  return program.body;
}

/** A node and all below it. */
function listNodes(node: Node): Node[] {
  const children = Object.values(node).flatMap((value) => (Array.isArray(value) ? value : [value]));
  return [node, ...children.filter(isNode).flatMap(listNodes)];
}

const importing = [
  "ImportDeclaration",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
  "ImportExpression",
  "TSImportType",
];

function hasSource(node: Node): boolean {
  return Source.safeParse(node).success;
}

function toImport(node: Node, { path }: { path: string }): Import | null {
  if (!importing.includes(node.type)) return null;
  const parsed = Source.safeParse(node);
  if (!parsed.success) return null;
  const specifier = parsed.data.source.value;
  const names = Specifiers.parse(node).specifiers.flatMap(({ imported }) => imported?.name ?? []);
  return { specifier, names, target: specifier.startsWith(".") ? normalize(join(dirname(path), specifier)) : null };
}

/** Constructors and functions without a name of their own (callbacks, handlers) follow somebody else's shape. */
function toFunction(node: Node): FunctionShape | null {
  if (node.type !== "FunctionDeclaration") return null;
  const { id, params } = Named.parse(node);
  return { name: id.name, parameterCount: params.length };
}

function toUndocumented(node: Node, { text }: { text: string }): string | null {
  const parsed = Exported.safeParse(node);
  if (!parsed.success || text.slice(0, parsed.data.start).trimEnd().endsWith("*/")) return null;
  return parsed.data.declaration.id.name;
}
