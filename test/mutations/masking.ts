import { type Mutation, toMutations } from "./mutation.ts";

const tests = ["test/masking/mask.test.ts", "test/masking/every-form.test.ts"];

/** Every form in which a secret could be shown. */
export const maskingMutations: Mutation[] = [
  ...toMutations({ file: "src/masking/mask.ts", tests }, [
    ["mask-values", "values are hidden", "replaceSpans(input, searchAll(input))", "input"],
    [
      "mask-looks",
      "what looks like a token is hidden",
      "maskTokenLooks(replaceSpans(input, searchAll(input)), { replacement: REPLACEMENT })",
      "replaceSpans(input, searchAll(input))",
    ],
    [
      "mask-views",
      "encoded text is decoded",
      "for (const view of toViews(text)) for (",
      'for (const view of toViews("")) for (',
    ],
    [
      "mask-learned",
      "values that came later are hidden",
      "[...fixed.search(text), ...learned.search(text)]",
      "[...fixed.search(text)]",
    ],
    [
      "mask-fixed",
      "values from the start are hidden",
      "[...fixed.search(text), ...learned.search(text)]",
      "[...learned.search(text)]",
    ],
    [
      "mask-with",
      "a run's mask hides the server's too",
      "toMask([toKnown(values), ...known])",
      "toMask([toKnown(values)])",
    ],
  ]),
  ...toMutations({ file: "src/masking/forms.ts", tests }, [
    ["form-plain", "plain", "...[value, value.replaceAll", "...[value.replaceAll"],
    ["form-line-ends", "with other line ends", String.raw`value.replaceAll("\r\n", "\n"), `, ""],
    ["form-plus", "with + for spaces", `value.replaceAll(" ", "+"), `, ""],
    ["form-latin1", "read as Latin-1", `, bytes.toString("latin1")]`, "]"],
    ["form-json", "in JSON", "...[json, json.replaceAll", "...[json.replaceAll"],
    ["form-json-slash", "in JSON with escaped slashes", 'json.replaceAll("/", String.raw`\\/`), ', ""],
    ["form-json-json", "in JSON within JSON", ", JSON.stringify(json).slice(1, -1)]", "]"],
    ["form-hex", "in hexadecimal digits", "...[hex, hex.toUpperCase(),", "...[hex.toUpperCase(),"],
    ["form-hex-upper", "in large hexadecimal digits", "...[hex, hex.toUpperCase(),", "...[hex,"],
    ["form-base64", "in base64", ", ...toBase64Forms(bytes)]", "]"],
    ["form-base64-offset", "in base64 at any offset", "return [0, 1, 2].flatMap", "return [0].flatMap"],
    [
      "form-base64url",
      "in the alphabet for URLs",
      `return [inner, inner.replaceAll("+", "-").replaceAll("/", "_")];`,
      "return [inner];",
    ],
    ["form-short", "from 8 characters on", "MIN_SECRET_LENGTH = 8", "MIN_SECRET_LENGTH = 24"],
  ]),
  ...toMutations({ file: "src/masking/views.ts", tests: [...tests, "test/masking/streaming.test.ts"] }, [
    ["view-percent", "in a URL", "/%[2-7][0-9a-fA-F]|", "/"],
    ["view-percent-two", "a letter of two bytes in a URL", "%[cdCD][0-9a-fA-F]%[89abAB][0-9a-fA-F]|", ""],
    ["view-unicode", "in escapes", "u(?!00[01])[0-9a-fA-F]{4}|", ""],
    ["view-hex-escape", "in short escapes", "|x[2-7][0-9a-fA-F])", ")"],
    ["view-entity", "in HTML", "|amp|lt|gt|quot|apos);", ");"],
    ["view-entity-number", "in HTML by number", String.raw`&(?:#\d{1,7}|`, "&(?:"],
    ["view-rounds", "encoded twice", "const MAX_ROUNDS = 3;", "const MAX_ROUNDS = 1;"],
    ["view-wraps", "in base64 of several lines", "if (unwrapped !== null) yield unwrapped;", ""],
    [
      "view-border",
      "over the border of pieces",
      "text.slice(from, from + PIECE + OVERLAP)",
      "text.slice(from, from + PIECE)",
    ],
  ]),
  ...toMutations({ file: "src/masking/token-looks.ts", tests }, [
    ["looks-github", "tokens of GitHub's", "(?:gh[pousr]|github_pat)_", "(?:github_pat)_"],
    ["looks-fine-grained", "fine-grained tokens", "(?:gh[pousr]|github_pat)_", "(?:gh[pousr])_"],
    ["looks-long", "tokens of the new form", "[A-Za-z0-9_.-]{16,2000}|sk", "[A-Za-z0-9]{36}|sk"],
    ["looks-model", "keys of models", "|sk-(?=", "|sk-never-(?="],
    ["looks-escape", "right after an escape", String.raw`|(?<=\\[bfnrt]|\\u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2})`, ""],
  ]),
  ...toMutations({ file: "src/masking/run-mask.ts", tests: ["test/masking/run-mask.test.ts"] }, [
    ["run-mask-lines", "line by line", `...plain.split("\\n")]`, "]"],
    ["run-mask-summary", "the summary", "output.summary === null ? null : mask.text(output.summary)", "output.summary"],
    ["run-mask-files", "names of files", "output.files_changed.map(mask.text)", "output.files_changed"],
    ["run-mask-log", "the log", "output.full_log === null ? null : mask.text(output.full_log)", "output.full_log"],
    ["run-mask-data", "the answer's data", "{ data: maskData(output.data, { mask }) }", "{ data: output.data }"],
    ["run-mask-error", "what went wrong", "message: mask.text(error.message)", "message: error.message"],
    ["run-mask-hint", "what to do", "hint: mask.text(error.hint)", "hint: error.hint"],
    [
      "run-mask-keys",
      "keys of data",
      "[mask.text(key), maskData(value, { mask })]",
      "[key, maskData(value, { mask })]",
    ],
    ["run-mask-list", "lists of data", "data.map((entry) => maskData(entry, { mask }))", "data"],
    ["run-mask-prompt", "the prompt", "toRunMask(createMask(), { variables }).text(request.prompt)", "request.prompt"],
    ["run-mask-variables", "variables", "env_vars: hideValues(variables)", "env_vars: variables"],
  ]),
  ...toMutations({ file: "src/secret-scan/find-known.ts", tests: ["test/secret-scan/check-patch.test.ts"] }, [
    ["scan-known", "known values in a patch", "return at === null ? [] : [", "return at !== null ? [] : ["],
    ["scan-names", "known values in names", "if (mask.find(path) !== null)", `if (mask.find("") !== null)`],
    [
      "scan-lines",
      "known values over lines",
      "block.line + block.lines.length === line.line)",
      "block.line + block.lines.length === -1)",
    ],
    [
      "scan-binary",
      "known values in binary files",
      `if ((await findInText(content.toString("latin1"), { mask })) !== null)`,
      "if (content === null)",
    ],
  ]),
  ...toMutations(
    {
      file: "src/secret-scan/to-secret-failure.ts",
      tests: ["test/secret-scan/check-patch.test.ts", "test/orchestrator/publish-run.test.ts"],
    },
    [
      [
        "scan-gave-up",
        "what cannot be looked through is held",
        `return toRunFailure("secret-found", {\n        message: "The change could not`,
        `if (end.kind === "gave-up") return null;\n      return toRunFailure("secret-found", {\n        message: "The change could not`,
      ],
      ["scan-found", "what was found is held", "end.places.length === 0 ? null", "end.places.length >= 0 ? null"],
    ],
  ),
];
