import { DEFAULT_SETTINGS, type RepositorySettings } from "../../repo-settings/settings.ts";
import { quoteWord } from "./mistake.ts";

const least = {
  write: "Everybody who may write to this repository may use it",
  maintain: "Everybody who may maintain or administrate this repository may use it",
  admin: "Everybody who may administrate this repository may use it",
};

/** Who may give commands, as one sentence of safe Markdown. */
export function toWhoMayText({ permission, allow }: Pick<RepositorySettings, "permission" | "allow">): string {
  const added = allow.length === 0 ? "" : `, and so may ${allow.map(quoteWord).join(", ")}`;
  return `${least[permission]}${added}.`;
}

/** What the repository sets for itself, besides who may; null when it sets nothing. Long values are cut. */
export function toSettingsText({ permission: _least, allow: _allow, ...settings }: RepositorySettings): string | null {
  const defaults = new Map<string, unknown>(Object.entries(DEFAULT_SETTINGS));
  const set = Object.entries(settings).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(defaults.get(key)),
  );
  if (set.length === 0) return null;
  const words = set.map(([key, value]) => quoteWord(`${key}: ${toText(value)}`));
  return `This repository sets ${words.join(", ")}.`;
}

function toText(value: unknown): string {
  return Array.isArray(value) ? value.map(String).join(", ") : String(value);
}
