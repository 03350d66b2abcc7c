import { lintSource } from "@secretlint/core";
import { rules } from "@secretlint/secretlint-rule-preset-recommend";

/** What the scanner takes for a secret; `start` and `end` are places in the text. */
export type Finding = { rule: string; start: number; end: number };

/**
 * Every rule but the one that obeys `secretlint-disable` in a comment: what is looked through may not say that nobody should
 * look.
 */
const config = {
  rules: rules
    .filter(({ meta }) => !meta.id.endsWith("filter-comments"))
    .map((rule) => ({ id: rule.meta.id, rule, options: {} })),
};

/** The last part of the path, for rules about files of one kind. With the ending `.p12` a rule would open a file of that name. */
function toSource(path: string): { filePath: string; ext: string } {
  const name = path.slice(path.lastIndexOf("/") + 1).replaceAll("\0", "");
  return { filePath: name === "" ? "file" : name, ext: name.endsWith(".json") ? ".json" : "" };
}

/** What stands for a secret in an example: one character many times, or a host that nobody can have (RFC 2606). */
const EXAMPLE = /([A-Za-z0-9*.])\1{7}|@(?:[\w.-]+\.)?(?:example\.(?:com|net|org)|example|test|invalid)(?![\w.-])/;

/**
 * Looks through the text of a file for what looks like a secret of a known kind: a token, a private key, a URL with a
 * password. What is plainly an example is none.
 */
export async function lintText(content: string, { path }: { path: string }): Promise<Finding[]> {
  const { messages } = await lintSource({
    source: { ...toSource(path), content, contentType: "text" },
    options: { config, noPhysicFilePath: true },
  });
  return messages
    .map(({ messageId, range: [start, end] }) => ({ rule: messageId, start, end }))
    .filter(({ start, end }) => !isExample(content.slice(start, end)));
}

/** The keys of OpenSSH have many an A in a row. */
function isExample(found: string): boolean {
  return EXAMPLE.test(found) && !found.includes("PRIVATE KEY");
}
