import type { ModelScript } from "./model-script.ts";

const PATCH = `*** Begin Patch
*** Add File: src/validators/email.ts
+/**
+ * Returns what is wrong with the address, or null when it is fine. Checks the form only: one \`@\` with something before
+ * it, and a domain of at least two labels after it. Whether mail arrives there nobody can tell from its looks.
+ */
+export function email(value: string, field: string): string | null {
+  const [local, domain, ...rest] = value.trim().split("@");
+  if (!local || !domain || rest.length > 0 || /\\s/.test(local)) return \`\${field} must be an email address\`;
+  const labels = domain.split(".");
+  const isDomain = labels.length > 1 && labels.every((label) => /^[\\p{L}\\p{N}]([\\p{L}\\p{N}-]*[\\p{L}\\p{N}])?$/u.test(label));
+  return isDomain ? null : \`\${field} must have a domain such as example.org\`;
+}
*** Update File: src/index.ts
@@
 export { greet } from "./greet.ts";
+export { email } from "./validators/email.ts";
 export { maxLength } from "./validators/max-length.ts";
*** Add File: test/email.test.ts
+import assert from "node:assert/strict";
+import { test } from "node:test";
+import { email } from "../src/index.ts";
+
+test("email takes ordinary addresses", () => {
+  for (const address of ["ada@example.org", "ada.lovelace+news@mail.example.org", " ada@münchen.example "]) {
+    assert.equal(email(address, "email"), null, address);
+  }
+});
+
+test("email refuses what is no address", () => {
+  for (const text of ["", "ada", "ada@@example.org", "@example.org", "ada@", "ada lovelace@example.org"]) {
+    assert.equal(email(text, "email"), "email must be an email address", text);
+  }
+});
+
+test("email refuses a domain without a dot, or with an empty or broken label", () => {
+  for (const text of ["ada@example", "ada@example.", "ada@.org", "ada@-example.org"]) {
+    assert.equal(email(text, "email"), "email must have a domain such as example.org", text);
+  }
+});
*** Update File: README.md
@@
     required("  ", "name");    // "name must not be empty"
+    email("ada@@", "email");   // "email must be an email address"
*** End Patch`;

/** What the scripted model does in the demo: looks around, writes the validator and its tests, runs them, reports. */
export const DEMO_SCRIPT: ModelScript = [
  {
    items: [
      {
        kind: "say",
        phase: "commentary",
        text: "I'll look at how the existing validators and their tests are written.",
      },
      {
        kind: "shell",
        command: "ls src/validators test && cat src/index.ts src/validators/required.ts test/validators.test.ts",
      },
    ],
  },
  {
    items: [
      {
        kind: "say",
        phase: "commentary",
        text: "Validators return a sentence or `null`. I'll add `email` in the same form, with tests.",
      },
      { kind: "patch", patch: PATCH },
    ],
  },
  {
    items: [
      { kind: "say", phase: "commentary", text: "Now the whole test suite." },
      { kind: "shell", command: "node --test" },
    ],
  },
  {
    items: [
      {
        kind: "say",
        phase: "final_answer",
        text: `Added an email validator with tests.

- \`email\` in \`src/validators/email.ts\` refuses blanks, a second \`@\`, and a domain without a dot; it returns a sentence or \`null\` like the others.
- It is exported from \`src/index.ts\` and shown in the README.
- Verified with \`node --test\`: all tests pass.

::MCP_STATUS::DONE`,
      },
    ],
  },
];
