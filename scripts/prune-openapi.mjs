// Makes src/demo/github/openapi.json: the part of GitHub's OpenAPI description that the built-in stand-in is held to.
//
//   npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-23.0.2.tgz      (outside the repository: 385 MB)
//   node scripts/prune-openapi.mjs package/generated/ghes-3.19.json
//
// The description is GitHub's, published by @octokit/openapi under the MIT licence (the notice stands in the result).
// What is thrown away: all paths but OPERATIONS, and everything that validates nothing (texts, examples, headers).
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { format, resolveConfig } from "prettier";

/** Every call that the product makes, or may make, and those the demo makes to play the people. */
const OPERATIONS = `
  get /app
  get /apps/{app_slug}
  post /app-manifests/{code}/conversions
  get /app/hook/deliveries
  post /app/hook/deliveries/{delivery_id}/attempts
  get /app/installations
  get /app/installations/{installation_id}
  post /app/installations/{installation_id}/access_tokens
  get /installation/repositories
  get /user
  get /users/{username}
  get /orgs/{org}/installation
  get /users/{username}/installation
  get /orgs/{org}/teams/{team_slug}/memberships/{username}
  get /meta
  post /markdown
  get /rate_limit
  get /repos/{owner}/{repo}
  get /repos/{owner}/{repo}/installation
  get /repos/{owner}/{repo}/collaborators/{username}/permission
  get /repos/{owner}/{repo}/contents/{path}
  get /repos/{owner}/{repo}/branches
  get /repos/{owner}/{repo}/branches/{branch}
  get /repos/{owner}/{repo}/commits/{ref}
  get /repos/{owner}/{repo}/compare/{basehead}
  get /repos/{owner}/{repo}/git/ref/{ref}
  get /repos/{owner}/{repo}/git/matching-refs/{ref}
  get /repos/{owner}/{repo}/issues
  post /repos/{owner}/{repo}/issues
  get /repos/{owner}/{repo}/issues/{issue_number}
  patch /repos/{owner}/{repo}/issues/{issue_number}
  post /repos/{owner}/{repo}/issues/{issue_number}/labels
  get /repos/{owner}/{repo}/issues/{issue_number}/comments
  post /repos/{owner}/{repo}/issues/{issue_number}/comments
  get /repos/{owner}/{repo}/issues/comments/{comment_id}
  patch /repos/{owner}/{repo}/issues/comments/{comment_id}
  delete /repos/{owner}/{repo}/issues/comments/{comment_id}
  get /repos/{owner}/{repo}/issues/{issue_number}/reactions
  post /repos/{owner}/{repo}/issues/{issue_number}/reactions
  delete /repos/{owner}/{repo}/issues/{issue_number}/reactions/{reaction_id}
  get /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions
  post /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions
  delete /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions/{reaction_id}
  get /repos/{owner}/{repo}/pulls/comments/{comment_id}/reactions
  post /repos/{owner}/{repo}/pulls/comments/{comment_id}/reactions
  delete /repos/{owner}/{repo}/pulls/comments/{comment_id}/reactions/{reaction_id}
  get /repos/{owner}/{repo}/pulls
  post /repos/{owner}/{repo}/pulls
  get /repos/{owner}/{repo}/pulls/{pull_number}
  patch /repos/{owner}/{repo}/pulls/{pull_number}
  get /repos/{owner}/{repo}/pulls/{pull_number}/files
  get /repos/{owner}/{repo}/pulls/{pull_number}/commits
  get /repos/{owner}/{repo}/pulls/{pull_number}/comments
  post /repos/{owner}/{repo}/pulls/{pull_number}/comments
  post /repos/{owner}/{repo}/pulls/{pull_number}/comments/{comment_id}/replies
  get /repos/{owner}/{repo}/pulls/comments/{comment_id}
  patch /repos/{owner}/{repo}/pulls/comments/{comment_id}
  get /repos/{owner}/{repo}/pulls/{pull_number}/reviews
  post /repos/{owner}/{repo}/pulls/{pull_number}/reviews
  post /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers
  get /repos/{owner}/{repo}/commits/{ref}/check-runs
  get /repos/{owner}/{repo}/commits/{ref}/status
  get /repos/{owner}/{repo}/actions/jobs/{job_id}/logs
  post /repos/{owner}/{repo}/check-runs
  get /repos/{owner}/{repo}/check-runs/{check_run_id}
  patch /repos/{owner}/{repo}/check-runs/{check_run_id}
`;
/** Below these keys stand names that people chose, not words of the description's language. */
const NAME_MAPS = new Set(["properties", "paths", "schemas", "responses", "parameters", "requestBodies", "content"]);
const NO_MEANING = new Set([
  "description",
  "summary",
  "example",
  "examples",
  "externalDocs",
  "tags",
  "title",
  "headers",
]);
const NO_MEANING_EITHER = new Set(["deprecated", "default", "links", "callbacks", "security", "servers"]);

const [source, chosenTarget] = process.argv.slice(2);
const ownTarget = new URL("../src/demo/github/openapi.json", import.meta.url);
const target = chosenTarget === undefined ? ownTarget : pathToFileURL(resolve(chosenTarget));
if (source === undefined) throw new Error("usage: prune-openapi.mjs <path to ghes-3.19.json> [target]");
const description = JSON.parse(readFileSync(source, "utf8"));

const pruned = {
  openapi: description.openapi,
  info: {
    title: "GitHub REST API (parts of Enterprise Server 3.19)",
    version: description.info.version,
    license: { name: "MIT", url: "https://github.com/octokit/openapi/blob/main/LICENSE" },
    "x-notice": "Copyright (c) 2020 Octokit contributors. Made from @octokit/openapi by scripts/prune-openapi.mjs.",
  },
  paths: {},
  components: {},
};
for (const line of OPERATIONS.trim().split("\n")) {
  const [method, path] = line.trim().split(" ");
  const operation = description.paths[path]?.[method];
  if (operation === undefined) throw new Error(`no such operation: ${line.trim()}`);
  pruned.paths[path] ??= {};
  pruned.paths[path][method] = strip(operation, { named: false });
}
copyReferences(pruned.paths);
const layout = { ...(await resolveConfig(fileURLToPath(target))), parser: "json" };
writeFileSync(target, await format(JSON.stringify(pruned), layout));

/** A copy without what validates nothing, and without `nullable` where Ajv cannot take it (no `type` beside it). */
function strip(node, { named }) {
  if (Array.isArray(node)) return node.map((item) => strip(item, { named: false }));
  if (typeof node !== "object" || node === null) return node;
  const result = {};
  for (const [key, value] of Object.entries(node)) {
    if (!named && (NO_MEANING.has(key) || NO_MEANING_EITHER.has(key) || key.startsWith("x-"))) continue;
    result[key] = strip(value, { named: !named && NAME_MAPS.has(key) && !Array.isArray(value) });
  }
  if (named || result.nullable !== true) return result;
  if (Array.isArray(result.enum) && !result.enum.includes(null)) result.enum.push(null);
  if (result.type !== undefined) return result;
  delete result.nullable;
  return Object.keys(result).length === 0 ? result : { anyOf: [result, { enum: [null] }] };
}

/** Adds every component that `node` names, and those that these name. */
function copyReferences(node) {
  if (typeof node !== "object" || node === null) return;
  for (const value of Object.values(node)) copyReferences(value);
  if (typeof node.$ref !== "string") return;
  const [kind, name] = node.$ref.replace("#/components/", "").split("/");
  pruned.components[kind] ??= {};
  if (pruned.components[kind][name] !== undefined) return;
  pruned.components[kind][name] = strip(description.components[kind][name], { named: false });
  copyReferences(pruned.components[kind][name]);
}
