import { stat } from "node:fs/promises";
import type { Mask } from "../masking/mask.ts";
import type { PatchScanner, ScanEnd } from "./patch-scanner.ts";
import { findKnownValues } from "./find-known.ts";
import type { SecretPlace } from "./secret-place.ts";

/**
 * Looks for secrets in what a patch adds: first the exact values that the mask knows, then whatever looks like a secret of a
 * known kind. A patch that is not there adds nothing. Takes a minute or so at most. Rejects when no thread can be had.
 */
export async function checkPatch(
  patchPath: string,
  { mask, scanner }: { mask: Mask; scanner: PatchScanner },
): Promise<ScanEnd> {
  const size = await stat(patchPath).then(
    (found) => found.size,
    () => 0,
  );
  if (size === 0) return { kind: "found", places: [] };
  const places = await findKnownValues(patchPath, { mask });
  const end = places.length > 0 ? { kind: "found" as const, places } : await scanner.scan(patchPath);
  return end.kind === "found" ? { ...end, places: end.places.map((place) => toShown(place, { mask })) } : end;
}

/** The name of a file may hold a secret as well. */
function toShown(place: SecretPlace, { mask }: { mask: Mask }): SecretPlace {
  return { ...place, path: mask.text(place.path) };
}
