import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createModelFilter } from "../../src/gateway/allowed-model.ts";
import { checkModelRequest } from "../../src/gateway/check-model-request.ts";

const fixtures = new URL("../fixtures/codex/", import.meta.url);
const base = {
  model: "gpt-5.5",
  stream: true,
  input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] }],
};
const local = { type: "function", name: "exec_command", parameters: { type: "object" } };

function readSample(name: string): { model: string; input: unknown[]; tools?: { type: string }[] } {
  return (JSON.parse(readFileSync(new URL(name, fixtures), "utf8")) as { body: never }).body;
}

describe("what Codex sends", () => {
  test.each(["request-gpt-5.5-direct-tools.json", "request-gpt-6.1-sol-code-mode.json"])(
    "%s passes, but for the web search",
    (name) => {
      const sample = readSample(name);
      const expected = {
        ...sample,
        ...(sample.tools === undefined ? {} : { tools: sample.tools.filter(({ type }) => type !== "web_search") }),
        store: false,
      };
      expect(checkModelRequest(sample)).toEqual({
        verdict: "allowed",
        body: expected,
        model: sample.model,
        removedTools: sample.tools === undefined ? [] : ["web_search"],
      });
    },
  );

  test("the items of a long thread pass as they are", () => {
    const input = [
      { type: "reasoning", summary: [], encrypted_content: "abc" },
      { type: "function_call", name: "f", arguments: '{"image_url":"https://x","server_url":1}', call_id: "1" },
      {
        type: "function_call_output",
        call_id: "1",
        output: [{ type: "input_image", image_url: "data:image/png;base64,AAAA" }],
      },
      { type: "custom_tool_call", name: "apply_patch", input: "*** Begin Patch", call_id: "2" },
      { type: "custom_tool_call_output", call_id: "2", output: "https://not-fetched" },
      { type: "tool_search_call", execution: "client", arguments: {} },
      { type: "tool_search_output", execution: "client", tools: [local] },
      { type: "local_shell_call", action: { type: "exec", command: ["ls"] } },
      { type: "agent_message", content: [{ type: "input_text", text: "x" }] },
      { type: "compaction", encrypted_content: "x" },
      { type: "compaction_trigger" },
      { role: "user", content: "no type is a message" },
    ];
    expect(checkModelRequest({ ...base, input })).toMatchObject({ verdict: "allowed", body: { input } });
  });
});

describe("MP-003: hosted tools", () => {
  const hosted = [
    "web_search",
    "web_search_preview",
    "web_search_2025_08_26",
    "mcp",
    "code_interpreter",
    "file_search",
    "image_generation",
    "computer_use",
    "computer_use_preview",
    "shell",
  ];

  test.each(hosted)("MP-003: %s is taken out, at the top, in a namespace and in input items", (type) => {
    const tool = { type, server_url: "https://evil", container: { type: "auto" }, vector_store_ids: ["v"] };
    const namespace = { type: "namespace", name: "n", tools: [tool, local] };
    const checked = checkModelRequest({
      ...base,
      tools: [tool, local, namespace],
      input: [
        { type: "additional_tools", tools: [namespace] },
        { type: "tool_search_output", tools: [tool] },
      ],
    });
    const clean = { type: "namespace", name: "n", tools: [local] };
    expect(checked).toMatchObject({
      verdict: "allowed",
      removedTools: [type, type, type, type],
      body: { tools: [local, clean], input: [{ tools: [clean] }, { tools: [] }] },
    });
  });

  const refusedTools: Record<string, unknown> = {
    "an unknown type": [{ type: "teleport" }],
    "a tool search of the provider's": [{ type: "tool_search", execution: "server" }],
    "an unknown type in a namespace": [{ type: "namespace", tools: [{ type: "teleport" }] }],
    "namespaces without end": [JSON.parse(`${'{"type":"namespace","tools":['.repeat(9)}${"]}".repeat(9)}`)],
    "no list": { type: "function" },
    "a list of words": ["web_search"],
    "a local tool with a server": [{ ...local, server_url: "https://evil" }],
    "a namespace with a connector": [{ type: "namespace", connector_id: "c", tools: [] }],
  };
  test.each(Object.entries(refusedTools))("MP-003: %s is refused", (_name, tools) => {
    expect(checkModelRequest({ ...base, tools }).verdict).toBe("refused");
    expect(checkModelRequest({ ...base, input: [{ type: "additional_tools", tools }] }).verdict).toBe("refused");
  });

  test("MP-003: only local tools may be chosen", () => {
    for (const choice of [
      "auto",
      "none",
      "required",
      { type: "function", name: "f" },
      { type: "allowed_tools", mode: "auto", tools: [{ type: "custom", name: "c" }] },
      null,
    ])
      expect(checkModelRequest({ ...base, tool_choice: choice }).verdict).toBe("allowed");
    for (const choice of [
      { type: "web_search" },
      { type: "mcp", server_label: "x" },
      { type: "allowed_tools", tools: [{ type: "file_search" }] },
      1,
      [{}],
    ])
      expect(checkModelRequest({ ...base, tool_choice: choice }).verdict).toBe("refused");
  });

  test("MP-003: parameters with dangerous names are a tool's own business", () => {
    const tool = {
      ...local,
      parameters: {
        properties: {
          image_url: { type: "string" },
          container: { type: "string", default: "c" },
          server_url: { const: "x" },
        },
      },
    };
    expect(
      checkModelRequest({
        ...base,
        tools: [tool],
        input: [{ type: "additional_tools", tools: [tool] }],
        text: { format: { type: "json_schema", schema: { properties: { file_id: "x" } } } },
      }).verdict,
    ).toBe("allowed");
  });
});

describe("MP-004: only data: URLs", () => {
  const content = (part: object) => ({ ...base, input: [{ type: "message", role: "user", content: [part] }] });
  const refused: object[] = [
    { type: "input_image", image_url: "https://evil/?d=secret" },
    { type: "input_image", image_url: { url: "https://evil" } },
    { type: "input_image", image_url: { url: { url: "http://evil" } } },
    { type: "input_image", image_url: ["data:x"] },
    { type: "input_image", image_url: " data:x" },
    { type: "input_image", file_id: "file-1" },
    { type: "input_file", file_url: "https://evil" },
    { type: "input_file", file_url: "file:///etc/passwd" },
    { type: "input_audio", audio_url: "ftp://evil" },
    { type: "input_film", video_url: "https://evil" },
    { type: "input_text", text: "x", vector_store_ids: ["vs_1"] },
    { type: "input_text", text: "x", deep: { deeper: [{ server_url: "https://evil" }] } },
  ];
  test.each(refused)("MP-004: %j is refused", (part) => {
    expect(checkModelRequest(content(part)).verdict).toBe("refused");
    expect(checkModelRequest({ ...base, input: [{ type: "function_call_output", output: [part] }] }).verdict).toBe(
      "refused",
    );
    expect(checkModelRequest({ ...base, input: [{ ...part, type: "message" }] }).verdict).toBe("refused");
  });

  test("MP-004: data: URLs and absent ones pass", () => {
    for (const part of [
      { type: "input_image", image_url: "data:image/png;base64,AA" },
      { type: "input_image", image_url: { url: "DATA:image/png,x" } },
      { type: "input_image", image_url: null },
      { type: "input_file", file_data: "data:text/plain,x", filename: "x" },
    ])
      expect(checkModelRequest(content(part)).verdict).toBe("allowed");
  });
});

describe("MP-005: nothing stored, nothing from the store", () => {
  test("MP-005: store is false whatever was asked, metadata is dropped", () => {
    for (const store of [true, false, "true", null, undefined]) {
      const checked = checkModelRequest({ ...base, store, metadata: { a: "b" }, background: false });
      expect(checked).toEqual({
        verdict: "allowed",
        body: { ...base, store: false },
        model: "gpt-5.5",
        removedTools: [],
      });
    }
  });

  const refused: Record<string, object> = {
    background: { background: true },
    previous_response_id: { previous_response_id: "resp_other" },
    conversation: { conversation: { id: "conv" } },
    "conversation by name": { conversation: "conv" },
    prompt: { prompt: { id: "pmpt" } },
    "prompt by name": { prompt: "pmpt" },
    "a stored item": { input: [{ type: "item_reference", id: "msg_1" }] },
    "an unknown item": { input: [{ type: "mcp_call", server_label: "x" }] },
    "an unknown field with a value inside": { connectors: { id: 1 } },
    "an unknown list": { attachments: ["x"] },
    "a container": { input: [{ type: "message", container: "c" }] },
  };
  test.each(Object.entries(refused))("MP-005: %s is refused", (_name, fields) => {
    expect(checkModelRequest({ ...base, ...fields })).toEqual({
      verdict: "refused",
      why: expect.stringMatching(/^[A-Z].*\.$/),
    });
  });

  test("MP-005: an unknown plain value passes", () => {
    expect(checkModelRequest({ ...base, verbosity: 3, service_tier: "flex" })).toMatchObject({
      verdict: "allowed",
      body: { verbosity: 3, service_tier: "flex" },
    });
  });
});

test("MP-006: a model that is not allowed is refused, and so is a request that names none", () => {
  const isModelAllowed = createModelFilter(["gpt-5.*", "ours/*"]);
  for (const model of ["gpt-5.5", "ours/large"])
    expect(checkModelRequest({ ...base, model }, { isModelAllowed }).verdict).toBe("allowed");
  for (const model of ["gpt-5", "GPT-5.5", "ours/x/y", "x gpt-5.5", ""])
    expect(checkModelRequest({ ...base, model }, { isModelAllowed })).toEqual({ verdict: "forbidden-model", model });
  expect(checkModelRequest({ input: "x" }, { isModelAllowed })).toEqual({ verdict: "forbidden-model", model: null });
  const none = createModelFilter([]);
  expect(checkModelRequest(base, { isModelAllowed: none }).verdict).toBe("forbidden-model");
});
