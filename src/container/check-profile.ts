import { isDeepStrictEqual } from "node:util";
import { RunError } from "../run/failure.ts";
import type { ContainerSpec } from "./container-spec.ts";

type Field = keyof ContainerSpec;
type Rule<F extends Field> = (wanted: ContainerSpec[F], actual: ContainerSpec[F]) => boolean;

/** Names of variables that an image may not bring along: secrets, and what would redirect programs. */
const REFUSED_ENV = /^(OPENAI_|CODEX_|GITHUB_|LD_)|(_API_KEY|_TOKEN|_SECRET|_PASSWORD|_PROXY)$/i;

const same = (wanted: unknown, actual: unknown): boolean => isDeepStrictEqual(wanted, actual);

/** An image's own variables are merged into ours by the engine; ours must be there as given. */
const sameEnv: Rule<"env"> = (wanted, actual) =>
  Object.entries(actual).every(([name, value]) =>
    name in wanted ? wanted[name] === value : !REFUSED_ENV.test(name),
  ) && Object.keys(wanted).every((name) => name in actual);

/** An image's own labels are merged into ours by the engine. */
const includesLabels: Rule<"labels"> = (wanted, actual) =>
  Object.entries(wanted).every(([name, value]) => actual[name] === value);

const sameSet =
  <T>(toKey: (item: T) => string) =>
  (wanted: T[], actual: T[]): boolean =>
    same(wanted.map(toKey).toSorted(), actual.map(toKey).toSorted());

/** A rule for every field: one that is forgotten does not compile. */
const rules: { [F in Field]: Rule<F> } = {
  name: same,
  image: same,
  entrypoint: same,
  command: same,
  user: same,
  workingDir: same,
  hostname: same,
  env: sameEnv,
  labels: includesLabels,
  network: same,
  publishedPorts: same,
  rootFilesystem: same,
  mounts: sameSet((mount) => JSON.stringify([mount.source, mount.target, mount.access, mount.propagation])),
  tmpfs: same,
  privileges: same,
  capDrop: same,
  capAdd: same,
  groupAdd: same,
  devices: same,
  securityOptions: same,
  procProtection: same,
  pidMode: same,
  ipcMode: same,
  utsMode: same,
  userNamespace: same,
  cgroupNamespace: same,
  runtime: (wanted, actual) => wanted === null || wanted === actual,
  firstProcess: same,
  terminal: same,
  stopSignal: same,
  memoryBytes: same,
  memorySwapBytes: same,
  nanoCpus: same,
  pidsLimit: same,
  shmBytes: same,
  oomScoreAdj: same,
  oomKiller: same,
  ulimits: sameSet((limit) => `${limit.name} ${limit.soft} ${limit.hard}`),
  logDriver: same,
  logOptions: same,
  restartPolicy: same,
  removal: same,
  otherSettings: same,
};

/**
 * Compares what the engine made with what was wanted, before anything of it is started.
 *
 * Throws `container-refused` naming the first field that differs: daemon defaults, another engine's ways and future
 * changes of a library would otherwise loosen a run without anybody noticing.
 */
export function checkProfile(wanted: ContainerSpec, { actual }: { actual: ContainerSpec }): void {
  for (const field of Object.keys(rules) as Field[]) {
    if (!matches(field, { wanted, actual })) {
      throw new RunError(
        "container-refused",
        `The engine made a container whose ${field} is ${show(actual, field)}, not ${show(wanted, field)}, so it was not started.`,
      );
    }
  }
}

function matches<F extends Field>(field: F, { wanted, actual }: { wanted: ContainerSpec; actual: ContainerSpec }) {
  return rules[field](wanted[field], actual[field]);
}

/** Of variables only the names are shown: an image may carry somebody's secret. */
function show(profile: ContainerSpec, field: Field): string {
  const text = JSON.stringify(field === "env" ? Object.keys(profile.env) : profile[field]);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
