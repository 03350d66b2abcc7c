import { type Mutation, toMutations } from "./mutation.ts";

const PARTS = "test/container/runner-parts.docker.test.ts";

/** What an image brings along is of no effect where it would be of harm. */
const facts = toMutations(
  {
    file: "src/container/image-facts.ts",
    tests: [
      "test/container/check-profile.test.ts",
      "test/container/container-spec.test.ts",
      "test/container/docker-images.test.ts",
    ],
  },
  [
    ["image-ld", "an image redirects no program", "GITHUB|LD|GIT", "GITHUB|GIT"],
    ["image-git", "an image does not change what git does", "LD|GIT)", "LD)"],
    ["image-shell", "an image loads nothing into a shell", "BASH_ENV|", ""],
    ["image-node", "an image loads nothing into Node", "NODE_OPTIONS|", ""],
    ["image-token", "an image brings no secret", "_API_KEY|_TOKEN|", "_API_KEY|"],
    ["image-proxy", "an image redirects no request", "_PASSWORD|_PROXY)", "_PASSWORD)"],
    ["image-taken", "refused variables are taken away", ".filter(isRefusedVariable)", ".filter(() => false)"],
    ["image-volumes", "declared volumes are known", "free: paths.filter((path) => !isOurs(path))", "free: []"],
    ["image-ours", "no declared volume stands in our way", "ours: paths.filter(isOurs)", "ours: []"],
    ["image-resolve", "a declared path is resolved", `posix.resolve("/", path)`, "path"],
    ["image-below", "nothing is declared below our places", "path.startsWith(`${place}/`) || ", ""],
    ["image-above", "nothing is declared above our places", " || place.startsWith(`${path}/`)", ""],
  ],
);

/** The volume with our parts is a complete copy, and nobody can change it. */
const parts = toMutations({ file: "src/container/runner-parts.ts", tests: [PARTS] }, [
  [
    "parts-content",
    "the copy is really there",
    "(await engine.readVolume(content))?.labels[PARTS_LABEL] === image.id",
    "true",
  ],
  ["parts-broken", "what is broken off goes", "if (volume !== content) await engine.removeVolume(content);", ""],
  ["parts-old", "copies of images that are gone go", "if (isLeft) await engine.removeVolume(name);", ""],
  ["parts-left", "what a killed process left goes", "if (isOld(filler)) await engine.removeContainer(filler.id);", ""],
  ["parts-young", "what somebody may be at stays", "if (isOld(filler)) await", "await"],
  ["parts-late", "a copy made meanwhile stays", "isThere && (await readParts(engine, { image })) === null", "isThere"],
]);

const create = toMutations({ file: "src/container/docker-create-body.ts", tests: [PARTS] }, [
  [
    "parts-no-copy",
    "no image fills the volume",
    '{ NoCopy: true, Labels: {}, DriverConfig: { Name: "local"',
    '{ NoCopy: false, Labels: {}, DriverConfig: { Name: "local"',
  ],
  [
    "parts-read-only",
    "the volume cannot be written",
    `ReadOnly: access === "read-only", VolumeOptions: options`,
    "VolumeOptions: options",
  ],
  ["parts-mounted", "the volume is mounted", ", ...spec.volumes.map(toVolume)", ""],
]);

const inspect = toMutations(
  { file: "src/container/docker-inspect.ts", tests: ["test/container/docker-inspect.test.ts"] },
  [
    ["image-healthcheck-read", "a health check is read", `kind === "NONE" ? "none" : "some"`, `"none"`],
    ["parts-wanted", "a volume is one that was asked for", ` || Name === "" || !isWanted`, ""],
    [
      "parts-access-read",
      "access of a volume is read",
      `target: Destination, access: RW ? "read-write" : "read-only"`,
      `target: Destination, access: "read-only"`,
    ],
  ],
);

const check = toMutations({ file: "src/container/check-profile.ts", tests: ["test/container/check-profile.test.ts"] }, [
  [
    "parts-name-compared",
    "it is the wanted volume",
    "JSON.stringify([name, target, access])",
    "JSON.stringify([target, access])",
  ],
  [
    "parts-access-compared",
    "nobody can write to it",
    "JSON.stringify([name, target, access])",
    "JSON.stringify([name, target])",
  ],
]);

export const imageMutations: Mutation[] = [...facts, ...parts, ...create, ...inspect, ...check];
