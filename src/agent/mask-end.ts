import type { Mask } from "../masking/mask.ts";
import { maskData } from "../masking/run-mask.ts";
import type { AgentAnswer } from "../run/answer.ts";
import type { AgentEnd } from "../run/checkpoint.ts";

/** How the agent ended, with the run's secrets hidden in all that it and the model said. */
export function maskEnd(end: AgentEnd, { mask }: { mask: Mask }): AgentEnd {
  const { report, modelFailure, answer } = end;
  return {
    ...end,
    report: {
      ...report,
      failureMessage: report.failureMessage === null ? null : mask.text(report.failureMessage),
      finalMessage: report.finalMessage === null ? null : mask.text(report.finalMessage),
    },
    modelFailure: modelFailure === null ? null : { ...modelFailure, message: mask.text(modelFailure.message) },
    ...(answer === undefined ? {} : { answer: maskAnswer(answer, { mask }) }),
  };
}

function maskAnswer(answer: AgentAnswer, { mask }: { mask: Mask }): AgentAnswer {
  switch (answer.kind) {
    case "valid":
      return { kind: "valid", data: maskData(answer.data, { mask }) };
    case "invalid":
      return { kind: "invalid", problem: mask.text(answer.problem) };
  }
}
