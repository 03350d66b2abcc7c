import type { Config } from "../config.ts";
import { askHttp } from "./ask-http.ts";
import { fail, pass, type Finding } from "./check.ts";
import { MAX_SKEW_S, readDate, toSkewS } from "./clock-skew.ts";

/** One that does not answer in this time is left to the check that is about it. */
const PATIENCE_MS = 4_000;

type Reading = { of: string; skewS: number | null };

/**
 * Whether this machine's clock is right, by the `Date` of GitHub's answers when there are GitHub credentials, or else by the
 * model API's. Nothing secret is sent.
 */
export async function checkClock(
  { github, model }: Pick<Config, "github" | "model">,
  { signal }: { signal: AbortSignal },
): Promise<Finding> {
  const usesGitHub = github.app !== null || github.token !== null;
  const [ofGitHub, ofModel] = await Promise.all([
    usesGitHub ? readSkew("GitHub", { url: github.apiUrl, signal }) : null,
    readSkew("the model API", { url: model.baseUrl, signal }),
  ]);
  const readings = [ofGitHub, ofModel].filter((reading) => reading !== null && reading.skewS !== null);
  const [first, ...others] = readings;
  if (first === undefined || first === null) return pass("nobody could be asked for the time");
  if ((first.skewS ?? 0) > MAX_SKEW_S) {
    return fail(`this machine's clock and that of ${first.of} differ by ${first.skewS} s`, {
      mend: "Set this machine's clock (`timedatectl set-ntp true`): GitHub refuses tokens of another time.",
    });
  }
  return pass(
    `this machine's clock and that of ${first.of} differ by ${first.skewS} s`,
    ...others.map((other) =>
      other !== null && (other.skewS ?? 0) > MAX_SKEW_S ? `${other.of} is off by ${other.skewS} s` : null,
    ),
  );
}

async function readSkew(of: string, { url, signal }: { url: string; signal: AbortSignal }): Promise<Reading> {
  const soon = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  const answer = await askHttp(new URL(url), { headers: {}, signal: soon }).catch(() => null);
  const date = answer?.kind === "answer" ? readDate(answer.headers) : null;
  return { of, skewS: date === null ? null : toSkewS(date) };
}
