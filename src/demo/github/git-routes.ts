import { type ApiAnswer, refuse, refuseUnknown } from "./exchange.ts";
import type { Json, JsonObject } from "./json.ts";
import type { Route, RouteCall } from "./routes.ts";

/** References, branches, commits and files, read from the real repositories. */
export function createGitRoutes(): Route[] {
  const repository = "/repos/{owner}/{repo}";
  const routes: Route[] = [
    { method: "GET", path: `${repository}/git/ref/{ref*}`, handle: readRef },
    { method: "GET", path: `${repository}/git/matching-refs/{ref*}`, handle: listMatchingRefs },
    { method: "GET", path: `${repository}/branches`, handle: listBranches },
    { method: "GET", path: `${repository}/branches/{branch*}`, handle: readBranch },
    { method: "GET", path: `${repository}/commits/{ref*}`, handle: readCommit },
    { method: "GET", path: `${repository}/contents/{path*}`, handle: readContents },
  ];
  return routes.map((route) => ({ ...route, handle: (call) => (isReadable(call) ? route.handle(call) : forbid()) }));
}

function isReadable(call: RouteCall): boolean {
  return call.may(["contents"], "read");
}

function forbid(): Promise<ApiAnswer> {
  return Promise.resolve(refuse(403, "Resource not accessible by integration"));
}

/** `owner/name` of the call's repository, and its place in the API. */
function placeOf(call: RouteCall): { name: string; api: string; web: string } {
  const name = call.repository?.name ?? "";
  return { name, api: `${call.origin}/api/v3/repos/${name}`, web: `${call.origin}/${name}` };
}

async function readRef(call: RouteCall): Promise<ApiAnswer> {
  const wanted = `refs/${call.params["ref"]}`;
  const refs = await call.git.listRefs(placeOf(call).name, wanted);
  const ref = refs.find((one) => one.ref === wanted);
  return ref === undefined ? refuseUnknown() : { status: 200, body: toRefBody(ref, call) };
}

async function listMatchingRefs(call: RouteCall): Promise<ApiAnswer> {
  const wanted = `refs/${call.params["ref"]}`;
  const refs = await call.git.listRefs(placeOf(call).name, "refs/");
  return { status: 200, body: refs.filter((one) => one.ref.startsWith(wanted)).map((ref) => toRefBody(ref, call)) };
}

function toRefBody({ ref, sha }: { ref: string; sha: string }, call: RouteCall): Json {
  const { api } = placeOf(call);
  const nodeId = Buffer.from(`Ref:${ref}`).toString("base64");
  return {
    ref,
    node_id: nodeId,
    url: `${api}/git/${ref}`,
    object: { sha, type: "commit", url: `${api}/git/commits/${sha}` },
  };
}

async function listBranches(call: RouteCall): Promise<ApiAnswer> {
  const { name, api } = placeOf(call);
  const refs = await call.git.listRefs(name, "refs/heads/");
  const branches = refs.map(({ ref, sha }) => ({
    name: ref.slice("refs/heads/".length),
    commit: { sha, url: `${api}/commits/${sha}` },
    protected: false,
  }));
  return { status: 200, body: branches };
}

async function readBranch(call: RouteCall): Promise<ApiAnswer> {
  const { name, api, web } = placeOf(call);
  const branch = call.params["branch"] ?? "";
  const sha = await call.git.resolve(name, `refs/heads/${branch}`);
  if (sha === null) return refuse(404, "Branch not found");
  const url = `${api}/branches/${branch}`;
  const body = {
    name: branch,
    commit: await describeCommit(call, sha),
    _links: { self: url, html: `${web}/tree/${branch}` },
    protected: false,
    protection: { enabled: false, required_status_checks: { enforcement_level: "off", contexts: [], checks: [] } },
    protection_url: `${url}/protection`,
  };
  return { status: 200, body };
}

async function readCommit(call: RouteCall): Promise<ApiAnswer> {
  const ref = call.params["ref"] ?? "";
  const sha = await call.git.resolve(placeOf(call).name, ref);
  if (sha === null) return refuse(422, `No commit found for SHA: ${ref}`);
  if (/\.sha\b/.test(call.request.headers["accept"] ?? "")) return toText(sha, "application/vnd.github.sha");
  return { status: 200, body: await describeCommit(call, sha) };
}

/** A commit as the API shows it, without its files. */
export async function describeCommit(call: RouteCall, sha: string): Promise<JsonObject> {
  const { name, api, web } = placeOf(call);
  const format = "%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B";
  const text = await call.git.git(name, ["show", "--no-patch", `--format=${format}`, sha]);
  const [tree = "", parents = "", an = "", ae = "", ad = "", cn = "", ce = "", cd = "", message = ""] =
    text.split("\0");
  const linkTo = (one: string): JsonObject => ({
    sha: one,
    url: `${api}/commits/${one}`,
    html_url: `${web}/commit/${one}`,
  });
  const unverified = { verified: false, reason: "unsigned", signature: null, payload: null, verified_at: null };
  return {
    ...linkTo(sha),
    node_id: Buffer.from(`Commit:${sha}`).toString("base64"),
    comments_url: `${api}/commits/${sha}/comments`,
    commit: {
      url: `${api}/git/commits/${sha}`,
      author: { name: an, email: ae, date: toUtc(ad) },
      committer: { name: cn, email: ce, date: toUtc(cd) },
      message: message.replace(/\n+$/, ""),
      tree: { sha: tree, url: `${api}/git/trees/${tree}` },
      comment_count: 0,
      verification: unverified,
    },
    author: null,
    committer: null,
    parents: parents.split(" ").filter(Boolean).map(linkTo),
  };
}

function toUtc(date: string): string {
  return new Date(date).toISOString().replace(/\.\d+Z$/, "Z");
}

async function readContents(call: RouteCall): Promise<ApiAnswer> {
  const { name } = placeOf(call);
  const path = (call.params["path"] ?? "").replace(/^\/+|\/+$/g, "");
  const ref = call.request.query.get("ref") ?? "HEAD";
  const sha = await call.git.resolve(name, ref);
  if (sha === null)
    return refuse(404, ref === "HEAD" ? "This repository is empty." : `No commit found for the ref ${ref}`);
  const listing = await call.git.git(name, ["ls-tree", "-z", "-l", sha, "--", path === "" ? "." : path]);
  const [entry] = toEntries(listing);
  const isFolder = path === "" || entry?.type === "tree";
  if (entry === undefined) return refuseUnknown();
  if (isFolder) {
    const inside = await call.git.git(name, ["ls-tree", "-z", "-l", sha, path === "" ? "./" : `${path}/`]);
    return { status: 200, body: toEntries(inside).map((one) => toContentBody(call, { entry: one, ref })) };
  }
  const content = (await call.git.readFile(name, { revision: sha, path })) ?? Buffer.alloc(0);
  if (/\braw\b/.test(call.request.headers["accept"] ?? ""))
    return toText(content, "application/vnd.github.raw; charset=utf-8");
  const encoded = content.toString("base64").replace(/.{60}/g, "$&\n");
  return { status: 200, body: { ...toContentBody(call, { entry, ref }), content: encoded, encoding: "base64" } };
}

type Entry = { type: string; sha: string; size: number; path: string };

function toEntries(listing: string): Entry[] {
  return listing
    .split("\0")
    .filter(Boolean)
    .map((line) => {
      const [meta = "", path = ""] = line.split("\t");
      const [, type = "", sha = "", size = "0"] = meta.split(/ +/);
      return { type, sha, size: Number(size) || 0, path };
    });
}

function toContentBody(call: RouteCall, { entry, ref }: { entry: Entry; ref: string }): JsonObject {
  const { api, web } = placeOf(call);
  const { path, sha, size } = entry;
  const isFile = entry.type === "blob";
  const query = `?ref=${ref === "HEAD" ? "main" : ref}`;
  const links = {
    self: `${api}/contents/${path}${query}`,
    git: `${api}/git/${isFile ? "blobs" : "trees"}/${sha}`,
    html: `${web}/${isFile ? "blob" : "tree"}/${ref === "HEAD" ? "main" : ref}/${path}`,
  };
  return {
    type: isFile ? "file" : "dir",
    name: path.slice(path.lastIndexOf("/") + 1),
    path,
    sha,
    size,
    url: links.self,
    git_url: links.git,
    html_url: links.html,
    download_url: isFile ? `${web}/raw/${ref === "HEAD" ? "main" : ref}/${path}` : null,
    _links: links,
  };
}

function toText(content: string | Buffer, type: string): ApiAnswer {
  return { status: 200, headers: { "content-type": type }, body: Buffer.from(content) };
}
