/** Whether a scenario of the suite holds for our server, or why it cannot say anything about it. */
export type Scenario = { passes: string[] } | { doesNotApply: string };

/** The protocol that the suite and our server both know best, and what older clients speak. */
const ALL = ["2025-03-26", "2025-06-18", "2025-11-25"];
const BOTH = ["2025-06-18", "2025-11-25"];
const LATEST = ["2025-11-25"];

const draft = { doesNotApply: "the stateless protocol of 2026-07-28, which SDK 1.x does not speak" };
const fixtureTool = { doesNotApply: "calls a tool of the suite's own everything server, with its answer" };
const prompts = { doesNotApply: "no prompts are offered" };
const binary = { doesNotApply: "nothing of a run is binary" };
const sampling = { doesNotApply: "nothing is asked of the client's model" };
const elicitation = { doesNotApply: "nothing is asked of the client's user" };
const logging = { doesNotApply: "no log messages are offered; progress and resources tell how a run goes" };
const completion = { doesNotApply: "no completions are offered" };
const skills = { doesNotApply: "the extension for skills is not offered" };
const tasks = { doesNotApply: "the extension for tasks is not offered; codex_run_status does its work" };

/**
 * Every server scenario of the suite. `passes`: with which versions of the protocol. Where one needs a fixture of the
 * suite's server, one of ours stands in for it (conformance.test.ts) if it means the same.
 */
export const scenarios: Record<string, Scenario> = {
  "server-initialize": { passes: BOTH },
  "server-session-lifecycle": { passes: ALL },
  ping: { passes: BOTH },
  "tools-list": { passes: BOTH },
  "tools-call-simple-text": { passes: BOTH },
  "tools-call-error": { passes: BOTH },
  "tools-call-with-progress": { passes: BOTH },
  "resources-list": { passes: BOTH },
  "resources-read-text": { passes: BOTH },
  "resources-subscribe": { passes: BOTH },
  "resources-unsubscribe": { passes: BOTH },
  "sep-2164-resource-not-found": { passes: LATEST },
  "server-sse-multiple-streams": { passes: LATEST },
  "dns-rebinding-protection": { passes: LATEST },

  "tools-call-image": fixtureTool,
  "tools-call-audio": fixtureTool,
  "tools-call-embedded-resource": fixtureTool,
  "tools-call-mixed-content": fixtureTool,
  "json-schema-2020-12": fixtureTool,
  "server-sse-polling": fixtureTool,
  "resources-read-binary": binary,
  "resources-templates-read": { doesNotApply: "wants the address's parameter back in the text of the resource" },
  "tools-call-sampling": sampling,
  "tools-call-elicitation": elicitation,
  "elicitation-sep1034-defaults": elicitation,
  "elicitation-sep1330-enums": elicitation,
  "logging-set-level": logging,
  "tools-call-with-logging": logging,
  "completion-complete": completion,
  "prompts-list": prompts,
  "prompts-get-simple": prompts,
  "prompts-get-with-args": prompts,
  "prompts-get-embedded-resource": prompts,
  "prompts-get-with-image": prompts,

  "server-stateless": draft,
  caching: draft,
  "http-header-validation": draft,
  "http-custom-header-server-validation": draft,
  "input-required-result-basic-elicitation": draft,
  "input-required-result-basic-sampling": draft,
  "input-required-result-basic-list-roots": draft,
  "input-required-result-request-state": draft,
  "input-required-result-multiple-input-requests": draft,
  "input-required-result-multi-round": draft,
  "input-required-result-missing-input-response": draft,
  "input-required-result-non-tool-request": draft,
  "input-required-result-result-type": draft,
  "input-required-result-unsupported-methods": draft,
  "input-required-result-tampered-state": draft,
  "input-required-result-capability-check": draft,
  "input-required-result-ignore-extra-params": draft,
  "input-required-result-validate-input": draft,

  "sep-2640-skills-directory": skills,
  "sep-2640-skills-enumeration": skills,
  "sep-2640-skills-manifest": skills,
  "tasks-lifecycle": tasks,
  "tasks-capability-negotiation": tasks,
  "tasks-wire-fields": tasks,
  "tasks-request-state-removal": tasks,
  "tasks-mrtr-input": tasks,
  "tasks-request-headers": tasks,
  "tasks-dispatch-and-envelope": tasks,
  "tasks-status-notifications": tasks,
  "tasks-required-task-error": tasks,
  "tasks-mrtr-composition": tasks,
};
