import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const Report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      message: z.string().default(""),
      assertionResults: z.array(
        z.object({
          status: z.string(),
          fullName: z.string(),
          failureMessages: z
            .array(z.string())
            .nullish()
            .transform((list) => list ?? []),
        }),
      ),
    }),
  ),
});

/**
 * `red`: a test failed, or held everything up; with its name. `broken`: no test failed, but a file could not be run or Vitest gave
 * no report, so nothing is proven.
 */
export type Verdict = { kind: "green" } | { kind: "red"; by: string } | { kind: "broken"; why: string };

export type RunVitestOptions = { tests: string[]; timeoutMs: number };

/** Runs some test files of a tree, one worker, up to the first failure. */
export async function runVitest(root: string, { tests, timeoutMs }: RunVitestOptions): Promise<Verdict> {
  const reportPath = join(root, "mutation-report.json");
  await rm(reportPath, { force: true });
  const argv = ["run", ...tests, "--bail=1", "--maxWorkers=1", "--reporter=json", `--outputFile=${reportPath}`];
  const child = spawn(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), ...argv], {
    cwd: root,
    stdio: "ignore",
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  await once(child, "close");
  if (child.signalCode === "SIGKILL") return { kind: "red", by: "the tests do not come to an end" };
  const report = await readFile(reportPath, "utf8").catch(() => null);
  return report === null ? { kind: "broken", why: "Vitest gave no report" } : toVerdict(report);
}

function toVerdict(report: string): Verdict {
  const { testResults } = Report.parse(JSON.parse(report));
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = tests.find(({ status }) => status === "failed");
  if (failed !== undefined) return { kind: "red", by: failed.fullName };
  const broken = testResults.find(({ message }) => message !== "");
  if (broken !== undefined) return { kind: "broken", why: broken.message.split("\n")[0] ?? "" };
  return tests.some(({ status }) => status === "passed")
    ? { kind: "green" }
    : { kind: "broken", why: "no test was found" };
}
