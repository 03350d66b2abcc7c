import { isDeepStrictEqual } from "node:util";
import { RunError } from "../run/failure.ts";
import type { BindMount, ContainerSpec, Ulimit, VolumeMount } from "./container-spec.ts";
import { isRefusedVariable } from "./image-facts.ts";
import type { OverlayMount } from "./overlay-mount.ts";

type Rule = (wanted: ContainerSpec, actual: ContainerSpec) => boolean;

/** The few fields where an engine may add something of its own or use another order; all others must be equal. */
const rules = new Map<string, Rule>([
  ["env", (wanted, actual) => isEnvAsWanted(wanted.env, actual.env)],
  ["labels", (wanted, actual) => isDeepStrictEqual({ ...actual.labels, ...wanted.labels }, actual.labels)],
  ["mounts", (wanted, { mounts }) => isSameSet(wanted.mounts, { actual: mounts, toLine: toMountLine })],
  ["overlays", (wanted, { overlays }) => isSameSet(wanted.overlays, { actual: overlays, toLine: toOverlayLine })],
  ["volumes", (wanted, { volumes }) => isSameSet(wanted.volumes, { actual: volumes, toLine: toVolumeLine })],
  ["ulimits", (wanted, { ulimits }) => isSameSet(wanted.ulimits, { actual: ulimits, toLine: toUlimitLine })],
  ["runtime", (wanted, actual) => wanted.runtime === null || wanted.runtime === actual.runtime],
]);

/**
 * Compares what the engine made with what was wanted, before anything of it is started.
 *
 * Throws `container-refused` naming the first field that differs: daemon defaults, another engine's ways and future
 * changes of a library would otherwise loosen a run without anybody noticing.
 */
export function checkProfile(wanted: ContainerSpec, { actual }: { actual: ContainerSpec }): void {
  const actualFields = new Map<string, unknown>(Object.entries(actual));
  for (const [field, value] of Object.entries(wanted)) {
    const isEqual = rules.get(field)?.(wanted, actual) ?? isDeepStrictEqual(value, actualFields.get(field));
    if (!isEqual) {
      const [made, asked] = [actualFields.get(field), value].map((side) => show(side, { field }));
      throw new RunError(
        "container-refused",
        `The engine made a container whose ${field} is ${made}, not ${asked}, so it was not started.`,
      );
    }
  }
}

/** An image's own variables are merged into ours by the engine; ours must be there as given. */
function isEnvAsWanted(wanted: ContainerSpec["env"], actual: ContainerSpec["env"]): boolean {
  const added = Object.keys(actual).filter((name) => !(name in wanted));
  return isDeepStrictEqual({ ...actual, ...wanted }, actual) && !added.some(isRefusedVariable);
}

/** With rslave, as with rprivate, nothing that the container mounts can be seen outside of it. */
const toMountLine = ({ source, target, access, propagation }: BindMount): string =>
  JSON.stringify([source, target, access, propagation === "rslave" ? "rprivate" : propagation]);

const toOverlayLine = ({ target, options }: OverlayMount): string => JSON.stringify([target, options]);

const toVolumeLine = ({ name, target, access }: VolumeMount): string => JSON.stringify([name, target, access]);

const toUlimitLine = ({ name, soft, hard }: Ulimit): string => `${name} ${soft} ${hard}`;

/** Whether both hold the same, in whatever order. */
function isSameSet<T>(wanted: T[], { actual, toLine }: { actual: T[]; toLine: (item: T) => string }): boolean {
  return isDeepStrictEqual(wanted.map(toLine).toSorted(), actual.map(toLine).toSorted());
}

/** Of variables only the names are shown: an image may carry somebody's secret. */
function show(value: unknown, { field }: { field: string }): string {
  const text = JSON.stringify(field === "env" ? Object.keys(value ?? {}) : value) ?? "absent";
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
