import { z } from "zod";
import type { RunOutcome } from "./outcome.ts";

/** How much a finding matters, the most first. */
export const Severity = z.enum(["critical", "major", "minor", "nit"]);
export type Severity = z.infer<typeof Severity>;

const Line = z.int().positive();

/** One finding of a review, on lines of the changed files: on the `RIGHT` as they are now, on the `LEFT` as they were. */
export const Finding = z.object({
  path: z
    .string()
    .transform((path) => path.replace(/^(?:\/workspace\/|\.\/)/, ""))
    .pipe(z.string().min(1)),
  /** The first line where the finding is about several; null where it is about one. */
  start_line: Line.nullable().default(null),
  line: Line,
  side: z.enum(["RIGHT", "LEFT"]).catch("RIGHT"),
  severity: Severity.catch("minor"),
  title: z.string().trim().min(1),
  body: z.string().trim(),
  /** What is to stand in the place of the lines; null where the finding has no such simple end. */
  suggestion: z.string().nullable().catch(null),
});
export type Finding = z.infer<typeof Finding>;

/** What a review came to. */
export type Review = { summary: string; findings: Finding[] };

const ANY_LINE = { type: "integer" };

/** What the model is asked for; strict, as model providers want it: every property is there. */
export const REVIEW_SCHEMA: Record<string, unknown> = toStrictObject({
  summary: { type: "string", description: "The review as a whole, in Markdown, a few sentences." },
  findings: {
    type: "array",
    items: toStrictObject({
      path: { type: "string", description: "The changed file, relative to the repository." },
      start_line: { ...ANY_LINE, type: ["integer", "null"], description: "The first line, when there are several." },
      line: { ...ANY_LINE, description: "The line, or the last one. It must be a line that the diff shows." },
      side: { type: "string", enum: ["RIGHT", "LEFT"], description: "LEFT only for lines that the change removes." },
      severity: { type: "string", enum: Severity.options },
      title: { type: "string", description: "The problem in one short sentence." },
      body: { type: "string", description: "Why it is one, and what to do, in Markdown." },
      suggestion: {
        type: ["string", "null"],
        description: "The text that replaces exactly these lines, when a few lines mend it; else null.",
      },
    }),
  },
});

function toStrictObject(properties: Record<string, unknown>): Record<string, unknown> {
  return { type: "object", properties, required: Object.keys(properties), additionalProperties: false };
}

const Answer = z.union([
  z.object({ summary: z.string(), findings: z.array(z.unknown()).catch([]) }),
  z.object({ summary: z.unknown().transform(() => ""), findings: z.array(z.unknown()) }),
]);
const Remark = z.object({ path: z.string().nullish().catch(null), title: z.string(), body: z.string().catch("") });

const MISFIT = "_(A part of the answer did not have the form that was asked for.)_";

/**
 * Reads a review from an answer, as data or as text. Nothing of it is lost: a finding that has no usable place becomes words
 * of the summary, and so does the whole text when it is no answer of that form. The summary then says so.
 */
export function readReview(answer: unknown): Review {
  const data = typeof answer === "string" ? parseJson(answer) : answer;
  const parsed = Answer.safeParse(data);
  if (!parsed.success) return { summary: toMisfit(typeof answer === "string" ? answer.trim() : ""), findings: [] };
  const findings: Finding[] = [];
  const remarks: string[] = [];
  for (const one of parsed.data.findings) {
    const finding = Finding.safeParse(one);
    if (finding.success) findings.push(finding.data);
    else remarks.push(...toRemark(one));
  }
  const summary = parsed.data.summary.trim();
  const isWhole = findings.length === parsed.data.findings.length;
  return { summary: isWhole ? summary : toMisfit(summary, remarks.join("\n")), findings };
}

function toMisfit(...parts: string[]): string {
  return [...parts, MISFIT].filter((part) => part !== "").join("\n\n");
}

/** Whether all of the answer was understood, so that what it does not say was not found. */
export function isWholeAnswer({ summary }: Pick<Review, "summary">): boolean {
  return !summary.includes(MISFIT);
}

function toRemark(finding: unknown): string[] {
  const remark = Remark.safeParse(finding);
  if (!remark.success) return [];
  const { path, title, body } = remark.data;
  return [`- ${path ? `\`${path}\`: ` : ""}**${title.trim()}** ${body.trim().replaceAll("\n", "\n  ")}`.trimEnd()];
}

/**
 * The outcome of a review, whose summary is the review's words and whose data are its findings. An answer that does not fit
 * the schema is one all the same: what was paid for is shown.
 */
export function toReviewOutcome(outcome: RunOutcome): RunOutcome {
  const isMisfit = outcome.error?.reason === "answer-invalid" && outcome.summary !== null;
  if (outcome.status !== "done" && !isMisfit) return outcome;
  const review = readReview(outcome.data ?? outcome.summary);
  const summary = review.summary === "" ? toCountText(review.findings.length) : review.summary;
  return {
    ...outcome,
    status: "done",
    marker: isMisfit ? null : outcome.marker,
    error: null,
    summary,
    data: { summary, findings: review.findings },
  };
}

function toCountText(count: number): string {
  if (count === 0) return "Nothing to remark.";
  return count === 1 ? "One finding." : `${count} findings.`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
