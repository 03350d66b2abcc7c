import type { WritePermission } from "./permission.ts";

// The settings themselves, which runs from everywhere follow, are in src/repo-settings/.

const RANKS: readonly WritePermission[] = ["write", "maintain", "admin"];

/** Whether a permission is as high as the repository wants it. */
export function isPermitted(permission: WritePermission, { least }: { least: WritePermission }): boolean {
  return RANKS.indexOf(permission) >= RANKS.indexOf(least);
}
