import { createRunId } from "../../src/run/id.ts";
import { RunRequest } from "../../src/run/request.ts";

/** A run's request as a comment on issue 42 makes it, with what a test wants different. */
export function createRequest(changes: Partial<RunRequest> = {}): RunRequest {
  return RunRequest.parse({
    run_id: createRunId(),
    accepted_at: "2026-01-02T03:04:05.000Z",
    trigger: { kind: "github", actor: "octocat", url: "https://github.com/octo-org/hello/issues/42#issuecomment-7" },
    repository: { kind: "github", owner: "octo-org", name: "hello" },
    prompt: "Add an email validator",
    context: null,
    mode: "full-auto",
    base: null,
    branch: null,
    model: null,
    effort: null,
    timeout: 300,
    dir: null,
    draft: false,
    allow_protected: false,
    thread: {
      installation_id: 1,
      repository_id: 2,
      number: 42,
      is_pull_request: false,
      comment_id: 7,
      actor_id: 583231,
    },
    ...changes,
  });
}
