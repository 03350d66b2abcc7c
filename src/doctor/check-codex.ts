import { z } from "zod";
import type { ContainerEngine } from "../container/engine.ts";
import { toRunFailure } from "../run/failure.ts";
import { fail, pass, type Finding } from "./check.ts";
import { PROBE_TIMEOUT_MS, type CheckContainerOptions } from "./check-container-profile.ts";
import { openProbe, runProbe } from "./probe.ts";

/**
 * What `codex doctor` (Codex 0.169) says about the image itself. The rest is about a person's machine: its login, its way
 * to the model, its terminal, updates; in a container without a network those fail as they should.
 */
const ABOUT_IMAGE = [
  "installation",
  "runtime.search",
  "git.environment",
  "config.load",
  "sandbox.helpers",
  "state.paths",
];

const Report = z.object({
  codexVersion: z.string(),
  checks: z.record(
    z.string(),
    z.object({ status: z.string(), summary: z.string(), remediation: z.string().nullish() }),
  ),
});

/** Nothing listens there, so that what Codex asks of the Internet fails at once and not after ten seconds. */
const NOWHERE = "http://127.0.0.1:9";
const ARGV = [
  ...["doctor", "--json", "-c", "check_for_update_on_startup=false", "-c", `model_provider="orch"`],
  ...["-c", `model_providers.orch={name="orch",base_url="${NOWHERE}/v1",wire_api="responses"}`],
];

/** Whether Codex's own doctor, inside a container with the profile of a run, finds all parts of Codex in the image. */
export async function checkCodex(engine: ContainerEngine, options: CheckContainerOptions): Promise<Finding> {
  await using probe = await openProbe(engine, { ...options, argv: [], prompt: "" });
  const { spec } = probe;
  const env = { ...spec.env, HTTPS_PROXY: NOWHERE, HTTP_PROXY: NOWHERE };
  const end = await runProbe(engine, {
    probe: { ...probe, spec: { ...spec, entrypoint: ["codex-native"], command: ARGV, env } },
    timeoutMs: options.timeoutMs ?? PROBE_TIMEOUT_MS,
    signal: options.signal,
  });
  return judgeCodexReport(end.stdout, { image: options.config.image });
}

/** Judges the JSON that `codex doctor` printed. Its exit code tells of the network that there is none of. */
export function judgeCodexReport(text: string, { image }: { image: string }): Finding {
  const mend = toRunFailure("image-unusable", { message: image }).hint;
  const report = Report.safeParse(parseJson(text));
  if (!report.success) {
    const said = text.trim().split("\n").at(-1)?.slice(0, 300) ?? "";
    return fail(`\`codex doctor\` in ${image} gives no report${said === "" ? "" : `: ${said}`}`, { mend });
  }
  const { codexVersion, checks } = report.data;
  const found = ABOUT_IMAGE.flatMap((name) => checks[name] ?? []);
  const bad = found.filter(({ status, summary }) => status !== "ok" || / not found/.test(summary));
  if (bad.length > 0) {
    return fail(`\`codex doctor\` in ${image} says: ${bad.map(({ summary }) => summary).join(", ")}`, { mend });
  }
  return pass(`Codex ${codexVersion} finds all its parts in the image (${found.length} of its own checks)`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
