import { z } from "zod";
import { RepositorySettings } from "./settings.ts";

/**
 * What the settings' own checks want and JSON Schema can only say as a pattern, by the place it stands in. An editor may take
 * a little more than the product does: what a branch pattern comes to is only seen when it is filled in.
 */
const patterns: Record<string, string> = {
  "timeout/anyOf/1": "^(?=.*[1-9])(?:\\d{1,9}|(?:\\d{1,6}[smh])+)$",
  base: "^(?![-./])(?!refs/)(?!(?:HEAD|@)$)(?!.*(?:\\.\\.|@\\{|//|/\\.|\\.lock(?:/|$)))[^\\u0000-\\u0020\\u007f~^:?*\\[\\\\]*[^\\u0000-\\u0020\\u007f~^:?*\\[\\\\./]$",
  branch:
    "^(?=.*\\{run\\})(?!refs/)(?!.*(?:\\.\\.|//|/\\.|\\.lock(?:/|$)))[A-Za-z0-9](?:[A-Za-z0-9._/-]|\\{(?:issue|slug|run)\\})*(?<![./])$",
  "protected/items": "^[^!]",
  "setup/items": "\\S",
  "verify/items": "\\S",
  "egress/items":
    "^(?!.*\\.(?:\\d+|0[xX][0-9A-Fa-f]*)$)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$",
};

/** The JSON Schema of `.github/codex.yml`, for editors: `docs/codex.schema.json`. */
export function toSettingsSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(RepositorySettings, {
    io: "input",
    override: ({ jsonSchema, path }) => {
      const place = path.filter((part, at) => !(at === 0 && part === "properties")).join("/");
      const pattern = patterns[place];
      if (pattern !== undefined) {
        delete jsonSchema.allOf;
        jsonSchema.pattern = pattern;
      }
      delete jsonSchema["shown"];
    },
  });
  return {
    $schema,
    title: "Settings of a repository for Codex Orchestrator",
    description: "`.github/codex.yml`, always read from the default branch.",
    ...schema,
    // A file of nothing but comments sets nothing.
    type: ["object", "null"],
  };
}

const About = z.object({ shown: z.string(), description: z.string() });

/** The table of all settings, in Markdown, for the README. */
export function toSettingsTable(): string {
  const rows = Object.entries(RepositorySettings.shape).map(([name, schema]) => {
    const { shown, description } = About.parse(schema.meta());
    return `| \`${name}\` | ${shown} | ${description} |`;
  });
  return ["| Key | Default | |", "| --- | --- | --- |", ...rows].join("\n");
}
