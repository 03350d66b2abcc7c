import { type Mutation, toMutations } from "./mutation.ts";

const gateTests = ["test/trigger/github/gate.test.ts", "test/trigger/github/gate-limits.test.ts"];

/** The signature, the sizes, and each delivery and comment once. */
export const webhookMutations: Mutation[] = [
  ...toMutations({ file: "src/trigger/github/gate.ts", tests: gateTests }, [
    [
      "gate-signature",
      "only what GitHub signed",
      "if (!timingSafeEqual(hmac.digest(), head.signature)) return",
      "if (hmac.digest().length === 0) return",
    ],
    [
      "gate-raw-bytes",
      "the signature is over every byte",
      "onPart: (part) => void hmac.update(part)",
      "onPart: (part) => void hmac.update(part.toString().trim())",
    ],
    ["gate-secret", "no gate without a secret", `if (secret === "") throw`, `if (secret === "-") throw`],
    [
      "gate-object",
      "only an object",
      `if (typeof payload !== "object" || payload === null || Array.isArray(payload)) {`,
      "if (payload === undefined) {",
    ],
    ["gate-utf8", "only UTF-8", "{ fatal: true, ignoreBOM: true }", "{ fatal: false, ignoreBOM: true }"],
    [
      "gate-payload",
      "only what has GitHub's shape",
      `if (parsed.kind === "invalid") return`,
      `if (parsed.kind === "other" && event === "-") return`,
    ],
    [
      "gate-kept",
      "long bodies are not kept",
      "const KEPT_BYTES = 2 * 1024 * 1024;",
      "const KEPT_BYTES = 64 * 1024 * 1024;",
    ],
    [
      "gate-answer-503",
      "what was not recorded is delivered again",
      "causes.some((cause) => cause instanceof RecordError) ? 503 : 500",
      "causes.length > 0 ? 500 : 500",
    ],
  ]),
  ...toMutations({ file: "src/trigger/github/webhook-headers.ts", tests: gateTests }, [
    ["head-method", "only POST", `if (method !== "POST") return`, `if (method === "-") return`],
    [
      "head-length",
      "no announced giant",
      "if (lengthBytes !== null && !(lengthBytes <= MAX_BODY_BYTES)) return",
      "if (lengthBytes === -1) return",
    ],
    [
      "head-encoding",
      "nothing compressed",
      `if (headers["content-encoding"] !== undefined) return`,
      `if (headers["content-encoding"] === "-") return`,
    ],
    ["head-type", "only JSON", String.raw`/^application\/json\s*(?:;|$)/i`, "/./"],
    [
      "head-event",
      "a well-formed event",
      "if (!/^[a-z][a-z0-9_]{0,63}$/.test(event)) return",
      `if (event === "-") return`,
    ],
    [
      "head-delivery",
      "a well-formed delivery",
      "if (!/^[0-9A-Fa-f-]{1,64}$/.test(deliveryId)) return",
      `if (deliveryId === "-") return`,
    ],
    ["head-sha256", "only SHA-256", String.raw`/^sha256=([0-9a-f]{64})$/`, String.raw`/^sha(?:1|256)=([0-9a-f]{64})/`],
    ["head-25-mib", "25 MiB at most", "MAX_BODY_BYTES = 25 * 1024 * 1024", "MAX_BODY_BYTES = 250 * 1024 * 1024"],
  ]),
  ...toMutations({ file: "src/trigger/github/body-reader.ts", tests: gateTests }, [
    [
      "body-reader-size",
      "a long body is cut",
      `if (bytes > maxBytes) return giveUp({ status: 413, reason: "too-large" });`,
      "",
    ],
    [
      "body-reader-memory",
      "bodies share a memory",
      "if (heldBytes <= budgetBytes) return;",
      "if (heldBytes <= Infinity) return;",
    ],
    [
      "body-reader-time",
      "a body has a time",
      `setTimeout(() => end({ status: 408, reason: "too-slow" }), timeoutMs)`,
      "setTimeout(() => {}, timeoutMs)",
    ],
    [
      "body-reader-waiting",
      "few long bodies wait",
      "if (longBodies.size >= WAITING_LONG_BODIES) return",
      "if (longBodies.size >= Infinity) return",
    ],
  ]),
  ...toMutations({ file: "src/store/deliveries.ts", tests: ["test/store/deliveries.test.ts"] }, [
    [
      "dedupe-answer",
      "a delivery that is there is not new",
      "for (const { deliveryId } of deliveries) isNew.push(stored.delete(deliveryId));",
      "for (const { deliveryId } of deliveries) isNew.push(stored.delete(deliveryId) || true);",
    ],
    [
      "dedupe-taker",
      "only from a process that is gone",
      `free.filter(({ taker }) => taker === process.id || judge(taker) === "ended")`,
      "free",
    ],
    [
      "dedupe-in-hand",
      "what this process is handling is not taken once more",
      "taker !== process.id || !inHand.has(id)",
      "true",
    ],
    ["dedupe-handled", "what was handled is not handled again", "      handled.push(deliveryId);\n", ""],
  ]),
  ...toMutations({ file: "src/store/migrations.ts", tests: ["test/store/deliveries.test.ts"] }, [
    [
      "dedupe-comment",
      "each comment once",
      "comment_key TEXT NOT NULL UNIQUE, event",
      "comment_key TEXT NOT NULL, event",
    ],
  ]),
  ...toMutations(
    {
      file: "src/trigger/github/own-comment.ts",
      tests: [
        "test/trigger/github/reporter.test.ts",
        "test/trigger/github/resume.test.ts",
        "test/trigger/github/shared-comment.test.ts",
      ],
    },
    [
      [
        "comment-own",
        "only our own comments are written over",
        "comment.user?.login === login && (comment.body",
        "(comment.body",
      ],
    ],
  ),
  ...toMutations({ file: "src/trigger/github/reply-limit.ts", tests: ["test/trigger/github/reply-limit.test.ts"] }, [
    ["replies-limit", "few words per thread and hour", `if (said.length >= MOST[kind]) return "nothing";`, ""],
  ]),
  ...toMutations({ file: "src/trigger/github/run-limit.ts", tests: ["test/trigger/github/app.test.ts"] }, [
    ["run-limit-told", "the refusal is said once an hour", `return "before";`, `return "just-now";`],
  ]),
];
