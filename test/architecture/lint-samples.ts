import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";

export type LintSample = { rule: string; path: string; text: string };

const root = join(import.meta.dirname, "..", "..");
const Report = z.object({ diagnostics: z.array(z.object({ code: z.string().optional(), filename: z.string() })) });

/** Runs the linter with the repository's own settings over small files, and tells which rule refused which file. */
export function lintSamples(samples: LintSample[]): { rule: string; path: string }[] {
  const folder = mkdtempSync(join(tmpdir(), "lint-"));
  try {
    for (const name of [".oxlintrc.json", "tsconfig.json", "package.json"])
      cpSync(join(root, name), join(folder, name));
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    for (const { path, text } of samples) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const oxlint = join(root, "node_modules", "oxlint", "bin", "oxlint");
    const { stdout } = spawnSync(process.execPath, [oxlint, "--type-aware", "--format=json", "src"], { cwd: folder });
    const { diagnostics } = Report.parse(JSON.parse(stdout.toString()));
    return diagnostics.map(({ code = "", filename }) => ({
      rule: /\(([^)]+)\)/.exec(code)?.[1] ?? code,
      path: filename,
    }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
