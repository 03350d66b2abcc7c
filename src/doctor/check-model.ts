import { z } from "zod";
import type { Config } from "../config.ts";
import { toRunFailure, type FailureReason } from "../run/failure.ts";
import { askHttp, type HttpAnswer } from "./ask-http.ts";
import { fail, pass, type Finding } from "./check.ts";

type ModelConfig = Pick<Config["model"], "apiKey" | "baseUrl" | "name">;

const Models = z.object({ data: z.array(z.object({ id: z.string() })) });
const ErrorBody = z.object({ error: z.object({ message: z.string(), code: z.string().nullish() }) });

/** Whether the model API can be reached and takes the key. Costs no tokens: it only asks for the list of models. */
export async function checkModel(model: ModelConfig, { signal }: { signal: AbortSignal }): Promise<Finding> {
  const url = toModelsUrl(model.baseUrl);
  const headers: Record<string, string> = { accept: "application/json" };
  if (model.apiKey !== null) headers["authorization"] = `Bearer ${model.apiKey}`;
  const listed = await askHttp(url, { headers, signal });
  const finding = judgeModels(listed, { model, place: url.origin });
  const { name } = model;
  if (finding.verdict === "failed" || name === null || (listModels(listed) ?? [name]).includes(name)) return finding;
  return judgeModel(await askHttp(toModelsUrl(model.baseUrl, name), { headers, signal }), { name, finding });
}

/** `https://host/v1?x=y` becomes `https://host/v1/models?x=y`, or that of one model. */
function toModelsUrl(baseUrl: string, name?: string): URL {
  const url = new URL(baseUrl);
  const path = name === undefined ? "models" : `models/${encodeURIComponent(name)}`;
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/${path}`;
  return url;
}

function listModels(answer: HttpAnswer): string[] | null {
  const list = answer.kind === "answer" && answer.status === 200 ? Models.safeParse(answer.body) : null;
  return list?.success === true ? list.data.data.map(({ id }) => id) : null;
}

/** A model may be good that no list shows; OpenAI says of one that it does not know, that it was not found. */
function judgeModel(answer: HttpAnswer, { name, finding }: { name: string; finding: Finding }): Finding {
  const isUnknown = answer.kind === "answer" && answer.status === 404 && isModelError(answer.body);
  if (!isUnknown) return finding;
  return fail(`the model API accepts the key, and does not know ${name}, or the key may not use it`, {
    mend: "Set CODEX_MODEL to a model of that API, or unset it for Codex's own choice.",
  });
}

function isModelError(body: unknown): boolean {
  const parsed = ErrorBody.safeParse(body);
  return parsed.success && parsed.data.error.code === "model_not_found";
}

type JudgeOptions = { model: ModelConfig; place: string };

function judgeModels(answer: HttpAnswer, { model, place }: JudgeOptions): Finding {
  if (answer.kind === "unreachable") {
    return fail(`the model API at ${place} could not be reached: ${answer.why}`, {
      mend: "Check OPENAI_BASE_URL and this machine's way to it.",
    });
  }
  const { status, body } = answer;
  if (status >= 200 && status < 300) return judgeList(body, { model, place });
  if (status === 403 && mayNotList(body)) {
    return pass(`the model API at ${place} knows the key, which may not list models, so no more can be shown for free`);
  }
  if (status === 401 || status === 403) return toWrongKey(model, { place, status });
  if (status === 404 || status === 405) {
    return pass(`the model API at ${place} can be reached; it lists no models, so the key cannot be shown to work`);
  }
  if (status >= 300 && status < 400) {
    return fail(`the model API at ${place} answers with a redirect (HTTP ${status})`, {
      mend: "Set OPENAI_BASE_URL to the address it leads to: redirects are not followed.",
    });
  }
  const reason: FailureReason = status === 429 || status === 402 ? "model-quota" : "model-unavailable";
  const detail = `the model API at ${place} answers with HTTP ${status}`;
  return fail(detail, { mend: toRunFailure(reason, { message: detail }).hint });
}

/** A key may be restricted to answers; OpenAI then names the scope that is missing. */
function mayNotList(body: unknown): boolean {
  const parsed = ErrorBody.safeParse(body);
  return parsed.success && /missing scopes|api\.model\.read/i.test(parsed.data.error.message);
}

function toWrongKey({ apiKey }: ModelConfig, { place, status }: { place: string; status: number }): Finding {
  if (apiKey === null) {
    return fail(`OPENAI_API_KEY is not set, and the model API at ${place} asks for a key (HTTP ${status})`, {
      mend: "Set OPENAI_API_KEY to a key of that API.",
    });
  }
  return fail(`the model API at ${place} does not accept the key (HTTP ${status})`, {
    mend: "Check OPENAI_API_KEY: it is wrong, was withdrawn, or belongs to another API than OPENAI_BASE_URL.",
  });
}

function judgeList(body: unknown, { model, place }: JudgeOptions): Finding {
  const list = Models.safeParse(body);
  const ids = list.success ? list.data.data.map(({ id }) => id) : null;
  const { name, apiKey } = model;
  return pass(
    apiKey === null
      ? `the model API at ${place} answers without a key, though \`serve\` asks for OPENAI_API_KEY`
      : `the model API at ${place} accepts the key`,
    ids === null ? "what it answered is no list of models" : null,
    ids !== null && name !== null && !ids.includes(name) ? `CODEX_MODEL ${name} is not in its list of models` : null,
  );
}
