import { parseEnv } from "node:util";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { setEnvValues } from "../../src/app-setup/env-text.ts";

const heading = "The App";
const set = (text: string, values: Record<string, string>): string => setEnvValues(text, { values, heading });

test.each([
  ["an empty file", "", "# The App\nAPP_ID=1\nSECRET=2\n"],
  ["other lines", "# mine\nA=1\n", "# mine\nA=1\n\n# The App\nAPP_ID=1\nSECRET=2\n"],
  ["no line end at the end", "A=1", "A=1\n\n# The App\nAPP_ID=1\nSECRET=2\n"],
  ["what is switched off", "#APP_ID=\n", "#APP_ID=\n\n# The App\nAPP_ID=1\nSECRET=2\n"],
  ["its own variables, in their places", "SECRET=x\nA=1\nAPP_ID = 'y'\n", "SECRET=2\nA=1\nAPP_ID=1\n"],
  ["one of them, exported", "export APP_ID=7\n", "APP_ID=1\n\n# The App\nSECRET=2\n"],
  ["one of them twice", "APP_ID=7\nB=1\nAPP_ID=8\nSECRET=\n", "APP_ID=1\nB=1\nSECRET=2\n"],
  ["one of them over several lines", 'SECRET="a\nb\nAPP_ID=9"\nB=1\n', "SECRET=2\nB=1\n\n# The App\nAPP_ID=1\n"],
  ["another one over several lines", "K='a\nAPP_ID=9\n'\n", "K='a\nAPP_ID=9\n'\n\n# The App\nAPP_ID=1\nSECRET=2\n"],
])("a .env with %s", (_what, before, after) => {
  expect(set(before, { APP_ID: "1", SECRET: "2" })).toBe(after);
});

test("whatever stood in a .env means what it meant before", () => {
  const line = fc.constantFrom(
    ...["A=1", "A = 2", "export B=3", "# A=4", "", 'C="5', '6"', "C='7", "8'", "D=`9", "`", "APP_ID=10", "APP_ID='11"],
    ...["SECRET=12 # why", 'SECRET="13"', "E==14", "no assignment", "F=\t15", "G=1\r"],
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      const before = lines.join("\n");
      const values = { APP_ID: "123", SECRET: "c2VjcmV0" };
      expect(parseEnv(set(before, values))).toEqual({ ...parseEnv(before), ...values });
    }),
    { numRuns: 2000 },
  );
});
