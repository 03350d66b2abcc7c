import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fixtures, read } from "./read-events.ts";

describe("recorded output of Codex", () => {
  const quota = "Quota exceeded. Check your plan and billing details.";
  const busy = "We’re currently experiencing high demand, which may cause temporary errors.";
  const cases: Record<
    string,
    { turn: "completed" | "failed" | "none"; failure: string | null; final?: string | null }
  > = {
    "events-all": { turn: "completed", failure: null, final: "All done." },
    "events-codemode-collab": { turn: "completed", failure: null, final: "Finished with code mode." },
    review: {
      turn: "completed",
      failure: null,
      final:
        "One bug.\n\nReview comment:\n\n- [P1] Off by one — /workspace/README.md:2-2\n  The loop reads past the end.",
    },
    "ro-workspace": { turn: "completed", failure: null, final: "Done." },
    "errors/connrefused-bounded-0": { turn: "failed", failure: "Connection failed: error sending request" },
    "errors/connrefused-bounded": { turn: "failed", failure: "Connection failed: error sending request" },
    "errors/connrefused": { turn: "none", failure: null },
    "errors/ctx": {
      turn: "failed",
      failure:
        "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying.",
    },
    "errors/cut": { turn: "failed", failure: "stream disconnected before completion: error sending request" },
    "errors/cutonce": { turn: "completed", failure: null, final: "fine after 2" },
    "errors/dnsfail-bounded": { turn: "failed", failure: "Connection failed: error sending request" },
    "errors/e400": { turn: "failed", failure: "Unsupported parameter: foo" },
    "errors/e401-noretry": {
      turn: "failed",
      failure:
        "unexpected status 401 Unauthorized: Incorrect API key provided: sk-***., url: http://127.0.0.1:18087/e401/v1/responses",
    },
    "errors/e401": {
      turn: "failed",
      failure:
        "unexpected status 401 Unauthorized: Incorrect API key provided: sk-***., url: http://127.0.0.1:18087/e401/v1/responses",
    },
    "errors/e403": {
      turn: "failed",
      failure: "unexpected status 403 Forbidden: Forbidden by proxy, url: http://127.0.0.1:18087/e403/v1/responses",
    },
    "errors/e404": { turn: "failed", failure: "The model `nope` does not exist or you do not have access to it." },
    "errors/e429once": { turn: "completed", failure: null, final: "fine after 2" },
    "errors/e429quota": { turn: "failed", failure: quota },
    "errors/e429ra": { turn: "failed", failure: "exceeded retry limit, last status: 429 Too Many Requests" },
    "errors/e500-noretry": { turn: "failed", failure: busy },
    "errors/e500": { turn: "failed", failure: busy },
    "errors/e500once": { turn: "completed", failure: null, final: "fine after 2" },
    "errors/e503": { turn: "failed", failure: "Selected model is at capacity. Please try a different model." },
    "errors/failquota": { turn: "failed", failure: quota },
    "errors/failrl": { turn: "completed", failure: null, final: "fine after 3" },
    "errors/failserver": { turn: "failed", failure: "stream disconnected before completion: An error occurred" },
    "errors/idle2s": { turn: "failed", failure: "stream disconnected before completion: idle timeout waiting for SSE" },
    "errors/incomplete": {
      turn: "failed",
      failure: "Incomplete response returned, reason: max_output_tokens",
      final: "half an ans",
    },
    "errors/noend": {
      turn: "failed",
      failure: "stream disconnected before completion: stream closed before response.completed",
      final: "no completed event",
    },
  };

  test.each(Object.entries(cases))("%s", (name, { turn, failure, final = null }) => {
    const output = readFileSync(new URL(`${name}.jsonl`, fixtures));
    const whole = read(output);
    expect(whole.report).toEqual({
      threadId: expect.stringMatching(/^01a20/),
      turn,
      failureMessage: failure,
      finalMessage: final,
    });
    expect(read(output, { chunkBytes: 7 })).toEqual(whole);
  });

  test("every recording is among them", () => {
    const files = ["", "errors/"].flatMap((folder) =>
      readdirSync(new URL(folder, fixtures))
        .filter((file) => file.endsWith(".jsonl"))
        .map((file) => `${folder}${file.replace(".jsonl", "")}`),
    );
    expect(files.sort()).toEqual(Object.keys(cases).sort());
  });
});
