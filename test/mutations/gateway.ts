import { type Mutation, toMutations } from "./mutation.ts";

/** What a request to the model may hold. */
const request = toMutations(
  { file: "src/gateway/check-model-request.ts", tests: ["test/gateway/check-model-request.test.ts"] },
  [
    ["request-model", "only listed models", "if (!isModelAllowed(model)) return", "if (model === undefined) return"],
    [
      "request-background",
      "nothing in the background",
      `if (request["background"] === true)`,
      `if (request["background"] === 1)`,
    ],
    [
      "request-stored-response",
      "no earlier answer",
      `["previous_response_id", "conversation", "prompt"]`,
      `["conversation", "prompt"]`,
    ],
    [
      "request-stored-conversation",
      "no conversation",
      `["previous_response_id", "conversation", "prompt"]`,
      `["previous_response_id", "prompt"]`,
    ],
    [
      "request-stored-prompt",
      "no stored prompt",
      `["previous_response_id", "conversation", "prompt"]`,
      `["previous_response_id", "conversation"]`,
    ],
    ["request-store", "nothing is stored", "{ ...kept, store: false }", "{ ...kept }"],
    ["request-metadata", "no metadata", "metadata: _metadata, ...kept", "...kept"],
    ["request-unknown-field", "no unknown object", "!KNOWN_FIELDS.has(field) && field", "field === null && field"],
    [
      "request-forbidden-values",
      "nothing for the provider to fetch",
      " ?? findForbiddenValue(withoutSchemas(request))",
      "",
    ],
    [
      "request-tools",
      "tools are checked",
      "const tools = checkTools(request.tools);",
      "const tools = checkTools(undefined);",
    ],
    ["request-tools-out", "checked tools are sent", "  if (tools.tools !== undefined) body.tools = tools.tools;\n", ""],
    [
      "request-choice",
      "no hosted tool is chosen",
      "const choice = findWrongChoice(request.tool_choice);",
      "const choice = null;",
    ],
    ["request-choice-list", "nor one of a list", "[parsed.data, ...parsed.data.tools].find", "[parsed.data].find"],
    [
      "request-choice-odd",
      "no unknown choice",
      `if (!parsed.success) return "The request's tool_choice is not known.";`,
      "if (!parsed.success) return null;",
    ],
    ["request-item-types", "no unknown item", "if (!ITEM_TYPES.has(type))", `if (type === "")`],
    [
      "request-item-tools",
      "tools of items are checked",
      "const tools = checkTools(item.tools);",
      "const tools = checkTools(null);",
    ],
    [
      "request-item-tools-out",
      "checked tools of items are sent",
      "items.push(tools.tools === undefined ? item : { ...item, tools: tools.tools });",
      "items.push(item);",
    ],
    ["request-input-out", "checked input is sent", "  if (input.input !== undefined) body.input = input.input;\n", ""],
  ],
);

const confusing = toMutations(
  { file: "src/gateway/check-model-request.ts", tests: ["test/gateway/confusing-requests.test.ts"] },
  [
    [
      "request-depth",
      "no nesting without end",
      "if (isDeeperThan(value, MAX_DEPTH))",
      "if (isDeeperThan(value, Infinity))",
    ],
    ["request-utf8", "only UTF-8", "{ fatal: true }", "{ fatal: false }"],
    [
      "request-shape",
      "only requests",
      `if (!parsed.success) return refused("The request is not`,
      `if (parsed.data === 7) return refused("The request is not`,
    ],
  ],
);

const values = toMutations(
  { file: "src/gateway/find-forbidden-value.ts", tests: ["test/gateway/check-model-request.test.ts"] },
  [
    ["value-server-url", "no server", `"server_url connector_id`, `"connector_id`],
    ["value-connector", "no connector", "server_url connector_id vector", "server_url vector"],
    ["value-vector-store", "no vector store", "vector_store_ids container container_id", "container container_id"],
    ["value-container", "no container", "container container_id file_id", "container_id file_id"],
    ["value-file-id", "no stored file", "container_id file_id file_ids", "container_id file_ids"],
    ["value-image-url", "no picture is fetched", `"image_url file_url`, `"file_url`],
    ["value-file-url", "no file is fetched", "image_url file_url audio_url", "image_url audio_url"],
    ["value-audio-url", "no sound is fetched", "file_url audio_url video_url", "file_url video_url"],
    ["value-video-url", "no film is fetched", "audio_url video_url", "audio_url"],
    [
      "value-inside",
      "values are looked through",
      "checkEntry(key, child) ?? findForbiddenValue(child)",
      "checkEntry(key, child)",
    ],
    ["value-data-url", "only data: URLs", "/^data:/i.test(value)", "/data:/i.test(value)"],
    ["value-url-object", "also in an object", "&& isDataUrl(value.url)", `&& typeof value.url === "string"`],
  ],
);

const tools = toMutations({ file: "src/gateway/check-tools.ts", tests: ["test/gateway/check-model-request.test.ts"] }, [
  [
    "tools-hosted",
    "hosted tools are taken out",
    "if (HOSTED_TOOLS.test(tool.type)) {\n      removed.push(tool.type);\n      continue;\n    }\n",
    "",
  ],
  ["tools-web-search", "no web search", "(?:web_search.*|file_search", "(?:file_search"],
  ["tools-mcp", "no hosted MCP", "image_generation|mcp|", "image_generation|"],
  ["tools-unknown", "no unknown tool", "if (!isLocal)", `if (tool.type === "")`],
  ["tools-search", "no search at the provider", ` && tool.execution === "client")`, ")"],
  [
    "tools-namespace",
    "namespaces are looked through",
    "const inner = checkTools(tool.tools ?? [], depth + 1);",
    "const inner = checkTools([], depth + 1);",
  ],
  [
    "tools-entries",
    "no forbidden entry of a tool",
    "const why = checkEntry(key, entry);",
    "const why = checkEntry(key, null);",
  ],
  [
    "tools-list",
    "only a list",
    "if (!parsed.success || depth > MAX_DEPTH)",
    "if (parsed.success && depth > MAX_DEPTH)",
  ],
]);

/** What goes from one side to the other. */
const headers = toMutations({ file: "src/gateway/headers.ts", tests: ["test/gateway/gateway.test.ts"] }, [
  ["headers-request", "only known headers go on", "...pick(headers, REQUEST_HEADERS),", "...headers,"],
  [
    "headers-authorization",
    "no Authorization goes on",
    `"accept",`,
    `"accept",\n  "authorization",\n  "openai-organization",`,
  ],
  ["headers-answer", "only known headers come back", "return pick(headers, RESPONSE_HEADERS);", "return headers;"],
  [
    "headers-cookie",
    "no cookie comes back",
    `"cache-control",`,
    `"cache-control",\n  "set-cookie",\n  "openai-organization",`,
  ],
  ["headers-length", "no header without end", "value.length <= MAX_VALUE_LENGTH", "value.length <= Infinity"],
]);

const answer = toMutations({ file: "src/gateway/answer-model-request.ts", tests: ["test/gateway/gateway.test.ts"] }, [
  ["gateway-method", "only POST", `request.method !== "POST" || `, ""],
  ["gateway-path", "only the model's path", ` || request.url !== "/v1/responses"`, ""],
  [
    "gateway-compressed",
    "nothing compressed",
    `encoding !== undefined && encoding !== "identity"`,
    "encoding === null",
  ],
  [
    "gateway-checked",
    "what is refused is not sent",
    `if (checked.verdict === "refused") return refuse`,
    `if (checked.verdict === "none") return refuse`,
  ],
  [
    "gateway-body",
    "what was checked is sent",
    "JSON.stringify(checked.body)",
    "JSON.stringify({ ...checked.body, store: true })",
  ],
  [
    "gateway-too-large",
    "nothing too large",
    `if (body.verdict === "too-large") return refuse`,
    `if (body.verdict === "none") return refuse`,
  ],
]);

const budget = toMutations({ file: "src/gateway/tally.ts", tests: ["test/gateway/usage.test.ts"] }, [
  ["budget-requests", "requests have a budget", "requests >= budget.maxRequests", "requests >= Infinity"],
  ["budget-tokens", "tokens have a budget", "tokens >= budget.maxTokens", "tokens >= Infinity"],
  [
    "budget-output",
    "output counts",
    "usage.input_tokens + usage.output_tokens + uncounted",
    "usage.input_tokens + uncounted",
  ],
  [
    "budget-input",
    "input counts",
    "usage.input_tokens + usage.output_tokens + uncounted",
    "usage.output_tokens + uncounted",
  ],
  [
    "budget-uncounted",
    "cut answers count",
    "usage.input_tokens + usage.output_tokens + uncounted",
    "usage.input_tokens + usage.output_tokens",
  ],
  [
    "budget-final",
    "a spent budget stays spent",
    `if (failure?.reason !== "budget-exceeded") failure = next;`,
    "failure = next;",
  ],
]);

const takenOver = toMutations({ file: "src/gateway/tally.ts", tests: ["test/gateway/taken-over.test.ts"] }, [
  ["budget-taken-over-requests", "earlier requests count", "initialRequests = 0,", "initialRequests: _unused = 0,"],
  [
    "budget-taken-over-tokens",
    "earlier tokens count",
    "const usage = { ...initialUsage };",
    "const usage = { ...initialUsage, ...NOTHING };",
  ],
]);

const bodies = [
  ...toMutations({ file: "src/gateway/read-request-body.ts", tests: ["test/gateway/read-request-body.test.ts"] }, [
    ["body-size", "a request has a size", "if (seen > MAX_BODY_BYTES) refused", "if (seen > Infinity) refused"],
    ["body-end", "a request has an end", "if (seen > MAX_DISCARDED_BYTES) throw", "if (seen > Infinity) throw"],
    [
      "body-memory",
      "bodies share a memory",
      "refused === null && !held.take(chunk.length)",
      "refused === null && held === null",
    ],
    ["body-release", "memory comes back", "      held.release();\n", ""],
  ]),
  ...toMutations({ file: "src/gateway/byte-budget.ts", tests: ["test/gateway/read-request-body.test.ts"] }, [
    ["bytes-limit", "a budget is one", "if (bytes > left) return false;", ""],
    ["bytes-counted", "what is taken is gone", "          left -= bytes;\n", ""],
    ["bytes-back", "what was held comes back", "        left += held;\n", ""],
  ]),
];

export const gatewayMutations: Mutation[] = [
  ...request,
  ...confusing,
  ...values,
  ...tools,
  ...headers,
  ...answer,
  ...budget,
  ...takenOver,
  ...bodies,
];
