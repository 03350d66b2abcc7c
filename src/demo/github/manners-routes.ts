import { z } from "zod";
import { toAppBody } from "./app-routes.ts";
import { type ApiAnswer, refuse, refuseInvalid, refuseUnknown } from "./exchange.ts";
import { isAtLeast, roleOf } from "./identity.ts";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";
import { toShortForm } from "./presentation.ts";
import type { Route, RouteCall } from "./routes.ts";

/** A check run as it is kept. */
type CheckRun = { id: number; repository: string; fields: CheckFields & { name: string; head_sha: string } };

const CheckFields = z.object({
  status: z.enum(["queued", "in_progress", "completed"]).optional(),
  conclusion: z
    .enum(["action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"])
    .optional(),
  external_id: z.string().optional(),
  details_url: z.string().optional(),
  started_at: z.string().optional(),
  completed_at: z.string().optional(),
  output: z
    .object({ title: z.string(), summary: z.string().max(65_535), text: z.string().max(65_535).optional() })
    .optional(),
});
type CheckFields = z.infer<typeof CheckFields>;
const NewCheck = CheckFields.extend({ name: z.string().min(1), head_sha: z.string() });

export type MannersRoutesOptions = {
  /** Check runs on a commit that others made. */
  listOtherChecks: (call: RouteCall, options: { sha: string }) => JsonObject[];
};

/** Check runs, and who is asked to review: what an App does around a pull request, with GitHub's own refusals. */
export function createMannersRoutes({ listOtherChecks }: MannersRoutesOptions): Route[] {
  const checks: CheckRun[] = [];
  const repository = "/repos/{owner}/{repo}";
  return [
    { method: "POST", path: `${repository}/check-runs`, handle: (call) => createCheck(call, checks) },
    { method: "PATCH", path: `${repository}/check-runs/{id}`, handle: (call) => changeCheck(call, checks) },
    { method: "GET", path: `${repository}/check-runs/{id}`, handle: (call) => readCheck(call, checks) },
    {
      method: "GET",
      path: `${repository}/commits/{ref}/check-runs`,
      handle: (call) => listChecks(call, { checks, listOtherChecks }),
    },
    {
      method: "POST",
      path: `${repository}/pulls/{number}/requested_reviewers`,
      handle: (call) => requestReviewers(call),
    },
  ];
}

async function createCheck(call: RouteCall, checks: CheckRun[]): Promise<ApiAnswer> {
  const refused = refuseCheckWriting(call);
  if (refused !== null) return refused;
  const parsed = NewCheck.safeParse(call.request.body);
  if (!parsed.success) return refuseFields(parsed.error);
  const name = call.repository?.name ?? "";
  const known = await call.git.resolve(name, parsed.data.head_sha);
  if (known === null) return refuse(422, `No commit found for SHA: ${parsed.data.head_sha}`);
  const check = { id: 9_100_001 + checks.length, repository: name, fields: withTimes(parsed.data) };
  checks.push(check);
  return { status: 201, body: toCheckBody(check, call) };
}

async function changeCheck(call: RouteCall, checks: CheckRun[]): Promise<ApiAnswer> {
  const refused = refuseCheckWriting(call);
  if (refused !== null) return refused;
  const check = findCheck(call, checks);
  if (check === undefined) return refuseUnknown();
  const parsed = CheckFields.safeParse(call.request.body);
  if (!parsed.success) return refuseFields(parsed.error);
  check.fields = withTimes({ ...check.fields, ...parsed.data });
  return { status: 200, body: toCheckBody(check, call) };
}

async function readCheck(call: RouteCall, checks: CheckRun[]): Promise<ApiAnswer> {
  const check = findCheck(call, checks);
  return check === undefined ? refuseUnknown() : { status: 200, body: toCheckBody(check, call) };
}

/** By default only the latest of each name; `filter=all` has them all. Newest first. */
async function listChecks(
  call: RouteCall,
  { checks, listOtherChecks }: MannersRoutesOptions & { checks: CheckRun[] },
): Promise<ApiAnswer> {
  if (!call.may(["checks"], "read")) return refuse(403, "Resource not accessible by integration");
  const name = call.repository?.name ?? "";
  const sha = await call.git.resolve(name, call.params["ref"] ?? "");
  if (sha === null) return refuse(422, `No commit found for SHA: ${call.params["ref"]}`);
  const { query } = call.request;
  const wanted = checks
    .filter(({ repository, fields }) => repository === name && fields.head_sha === sha)
    .filter(({ fields }) => [null, fields.name].includes(query.get("check_name")))
    .toReversed();
  const isLatest = ({ id, fields }: CheckRun): boolean =>
    wanted.find((one) => one.fields.name === fields.name)?.id === id;
  const shown = query.get("filter") === "all" ? wanted : wanted.filter(isLatest);
  const others = listOtherChecks(call, { sha }).filter(({ name: one }) =>
    [null, one].includes(query.get("check_name")),
  );
  const all = [...shown.map((check) => toCheckBody(check, call)), ...others];
  return { status: 200, body: { total_count: all.length, check_runs: all } };
}

/** Only Apps write checks. */
function refuseCheckWriting(call: RouteCall): ApiAnswer | null {
  const { kind } = call.request.caller;
  if (kind !== "installation") return refuse(403, "You must authenticate via a GitHub App.");
  return call.may(["checks"], "write") ? null : refuse(403, "Resource not accessible by integration");
}

function refuseFields(error: z.ZodError): ApiAnswer {
  return refuseInvalid(
    error.issues.map(({ path, message }) => ({
      resource: "CheckRun",
      field: path.join("."),
      code: "invalid",
      message,
    })),
  );
}

function findCheck({ params, repository }: RouteCall, checks: CheckRun[]): CheckRun | undefined {
  return checks.find((check) => String(check.id) === params["id"] && check.repository === repository?.name);
}

/** A conclusion makes it completed, whatever status is named. */
function withTimes(fields: CheckRun["fields"]): CheckRun["fields"] {
  const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const status = fields.conclusion === undefined ? (fields.status ?? "queued") : "completed";
  return {
    ...fields,
    status,
    started_at: fields.started_at ?? now,
    ...(status === "completed" ? { completed_at: fields.completed_at ?? now } : {}),
  };
}

function toCheckBody({ id, repository, fields }: CheckRun, { origin }: RouteCall): JsonObject {
  const url = `${origin}/api/v3/repos/${repository}/check-runs/${id}`;
  const page = `${origin}/${repository}/runs/${id}`;
  const { output } = fields;
  return {
    id,
    node_id: Buffer.from(`CheckRun:${id}`).toString("base64"),
    ...{ head_sha: fields.head_sha, name: fields.name, url, html_url: page },
    external_id: fields.external_id ?? "",
    details_url: fields.details_url ?? page,
    status: fields.status ?? "queued",
    conclusion: fields.conclusion ?? null,
    started_at: fields.started_at ?? null,
    completed_at: fields.completed_at ?? null,
    output: {
      title: output?.title ?? null,
      summary: output?.summary ?? null,
      text: output?.text ?? null,
      annotations_count: 0,
      annotations_url: `${url}/annotations`,
    },
    check_suite: { id: 9_000_001 },
    app: toAppBody(origin),
    pull_requests: [],
  };
}

const Asked = z.object({
  reviewers: z.array(z.string()).default([]),
  team_reviewers: z.array(z.string()).default([]),
});

/** All or nothing: one who cannot be asked is the end of the whole request. There are no teams here. */
async function requestReviewers(call: RouteCall): Promise<ApiAnswer> {
  if (!call.may(["pull_requests"], "write")) return refuse(403, "Resource not accessible by integration");
  const { repository, params } = call;
  const parsed = Asked.safeParse(call.request.body ?? {});
  if (!parsed.success || repository === null) return refuse(422, "Invalid request.");
  const { reviewers, team_reviewers: teams } = parsed.data;
  const pull = await call.forward({ method: "GET", path: call.request.path.replace(/\/requested_reviewers$/, "") });
  if (pull.status !== 200) return pull;
  const author = loginOf(isJsonObject(pull.body) ? pull.body["user"] : undefined);
  if (reviewers.includes(author)) return refuse(422, "Review cannot be requested from pull request author.");
  const strangers = reviewers.filter((login) => !isAtLeast(roleOf(login, repository), "read"));
  if (strangers.length > 0 || teams.length > 0) {
    const message = `Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the ${params["owner"]}/${params["repo"]} repository.`;
    return refuse(422, message);
  }
  const { method, path, body } = call.request;
  const answer = await call.forward({ method, path, body, authority: "installation" });
  if (answer.status !== 200 || Buffer.isBuffer(answer.body)) return answer;
  return { ...answer, status: 201, body: toShortForm(answer.body) };
}

function loginOf(user: Json | undefined): string {
  return isJsonObject(user) && typeof user["login"] === "string" ? user["login"] : "";
}
