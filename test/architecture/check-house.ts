import { environmentReaders, findRoom, packageRooms, type Room } from "./rooms.ts";
import type { SourceFile } from "./source-file.ts";

const parameterLimit = 2;

/** Every breach of the house's rules, each as one sentence that names the file and the rule. */
export function checkHouse(files: SourceFile[]): string[] {
  return [...files.flatMap(checkFile), ...findCircles(files)];
}

function checkFile(file: SourceFile): string[] {
  const room = findRoom(file.path);
  if (room === null) return [`${file.path} is in no room of the house: name it in test/architecture/rooms.ts`];
  return [
    ...checkDirection(file, { room }),
    ...checkPackages(file, { room }),
    ...(file.isBarrel ? [`${file.path} only passes on what others export: import from where it is`] : []),
    ...(file.readsEnvironment && !environmentReaders.includes(file.path) ? [`${file.path} reads the environment`] : []),
    ...file.undocumented.map((name) => `${file.path}: ${name} is exported without a doc comment`),
    ...file.functions
      .filter(({ parameterCount }) => parameterCount > parameterLimit)
      .map(({ name }) => `${file.path}: ${name}() has more than ${parameterLimit} parameters`),
  ];
}

function checkDirection(file: SourceFile, { room }: { room: Room }): string[] {
  return file.imports.flatMap(({ target }) => {
    if (target === null || !target.startsWith("src/")) return [];
    const other = findRoom(target);
    if (other === null || mayImport(room, { other })) return [];
    return [`${file.path} (${room.floor}) imports ${target} (${other.floor}): the arrow runs the other way`];
  });
}

function mayImport(room: Room, { other }: { other: Room }): boolean {
  if (room.name === other.name) return true;
  return room.level < other.level || (room.level === other.level && room.shared);
}

function checkPackages(file: SourceFile, { room }: { room: Room }): string[] {
  return file.imports.flatMap(({ specifier }) =>
    packageRooms
      .filter(({ packages, rooms }) => packages.test(specifier) && !rooms.includes(room.name))
      .map(({ rooms }) => `${file.path} imports ${specifier}, which has its place in ${rooms.join(", ")}`),
  );
}

/** Files that import each other in a circle, each circle once, in the order of the arrows. */
function findCircles(files: SourceFile[]): string[] {
  const targets = new Map(files.map(({ path, imports }) => [path, imports.flatMap(({ target }) => target ?? [])]));
  const done = new Set<string>();
  const circles: string[] = [];

  const visit = (path: string, { trail }: { trail: string[] }): void => {
    const start = trail.indexOf(path);
    if (start >= 0) circles.push(`${[...trail.slice(start), path].join(" -> ")} is a circle`);
    if (start >= 0 || done.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, { trail: [...trail, path] });
    done.add(path);
  };
  for (const path of targets.keys()) visit(path, { trail: [] });
  return circles;
}
