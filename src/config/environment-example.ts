import { z } from "zod";
import { Environment } from "./environment.ts";

const About = z.object({ shown: z.string(), meaning: z.string() });

/** All variables as lines of a `.env` file, each switched off and with its default, for `docker/.env.example`. */
export function toEnvironmentExample(): string {
  return Object.entries(Environment.shape)
    .map(([name, schema]) => toEntry(name, About.parse(schema.meta())))
    .join("\n");
}

function toEntry(name: string, { shown, meaning }: z.infer<typeof About>): string {
  // A default in backticks is a value; others are words. `~` is a folder to people and shells only.
  const value = /^`([^`~]*)`$/.exec(shown)?.[1];
  const hint = value === undefined && shown !== "" ? ` Default: ${toPlain(shown)}.` : "";
  return `# ${toPlain(meaning)}${hint}\n#${name}=${value ?? ""}\n`;
}

function toPlain(markdown: string): string {
  return markdown.replaceAll("`", "");
}
