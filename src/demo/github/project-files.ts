/** The files of the demo's repository: a small library whose tests run by `node --test`, with nothing to install. */
export const PROJECT_FILES: Record<string, string> = {
  "README.md": `# hello

Greets people, and checks what they typed into the greeting form.

    import { greet, required } from "hello";

    greet("Ada");              // "Hello, Ada!"
    required("  ", "name");    // "name must not be empty"

A validator takes the value and the field's name. It returns \`null\` when the value is fine, else one sentence that can
be shown to people.

Tests: \`npm test\` (Node 24, no dependencies).
`,
  "package.json": `{
  "name": "hello",
  "version": "1.2.0",
  "description": "Greets people, and checks what they typed.",
  "license": "MIT",
  "type": "module",
  "exports": "./src/index.ts",
  "engines": { "node": ">=24" },
  "scripts": { "test": "node --test" }
}
`,
  "tsconfig.json": `{
  "compilerOptions": {
    "target": "es2024",
    "module": "nodenext",
    "strict": true,
    "noEmit": true,
    "allowImportingTsExtensions": true,
    "erasableSyntaxOnly": true
  },
  "include": ["src", "test"]
}
`,
  ".gitignore": "node_modules/\ncoverage/\n",
  "src/index.ts": `export { greet } from "./greet.ts";
export { maxLength } from "./validators/max-length.ts";
export { required } from "./validators/required.ts";
`,
  "src/greet.ts": `/** Greets somebody by name, or everybody when there is none. */
export function greet(name: string = "world"): string {
  return \`Hello, \${name.trim()}!\`;
}
`,
  "src/validators/required.ts": `/** Returns what is wrong with the value, or null when it is fine. */
export function required(value: string, field: string): string | null {
  return value.trim() === "" ? \`\${field} must not be empty\` : null;
}
`,
  "src/validators/max-length.ts": `/** Returns what is wrong with the value, or null when it has at most \`limit\` characters. */
export function maxLength(value: string, field: string, limit: number): string | null {
  return [...value].length > limit ? \`\${field} must have at most \${limit} characters\` : null;
}
`,
  "test/greet.test.ts": `import assert from "node:assert/strict";
import { test } from "node:test";
import { greet } from "../src/index.ts";

test("greets by name", () => {
  assert.equal(greet(" Ada "), "Hello, Ada!");
});

test("greets everybody without a name", () => {
  assert.equal(greet(), "Hello, world!");
});
`,
  "test/validators.test.ts": `import assert from "node:assert/strict";
import { test } from "node:test";
import { maxLength, required } from "../src/index.ts";

test("required takes text and refuses blanks", () => {
  assert.equal(required("Ada", "name"), null);
  assert.equal(required("  ", "name"), "name must not be empty");
});

test("maxLength counts characters, not code units", () => {
  assert.equal(maxLength("👋👋", "greeting", 2), null);
  assert.equal(maxLength("abc", "greeting", 2), "greeting must have at most 2 characters");
});
`,
};
