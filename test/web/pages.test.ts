import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NO_ACTIVITY } from "../../src/run/progress.ts";
import { openPagesWorld, TOKEN, type PagesWorld } from "./pages-world.ts";

let world: PagesWorld;
beforeEach(async () => {
  world = await openPagesWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const owner = { authorization: `Bearer ${TOKEN}` };
const read = async (path: string): Promise<string> => (await world.get(path, owner)).text();

describe("the list of runs", () => {
  test("shows the newest first, by state and repository", async () => {
    const done = await world.addResult({
      pull_request: { number: 43, url: "https://github.com/octo-org/hello/pull/43" },
    });
    const failed = await world.addResult(
      { status: "error", error: { reason: "model-auth", message: "No.", hint: "Key." } },
      { repo: "World" },
    );
    const waiting = await world.addRun();
    const linked = async (path: string): Promise<string[]> =>
      [...(await read(path)).matchAll(/href="\/runs\/([0-9a-f-]{36})"/g)].map(([, id]) => id ?? "");

    expect(await linked("/runs")).toEqual([waiting, failed, done].map(({ run_id: id }) => id));
    expect(await linked("/runs?state=error")).toEqual([failed.run_id]);
    expect(await linked("/runs?state=queued&repo=octo-org/hello")).toEqual([waiting.run_id]);
    expect(await linked("/runs?repo=OCTO-ORG/world")).toEqual([failed.run_id]);
    expect(await linked("/runs?repo=octo-org%2Fnothing")).toEqual([]);
    expect(await linked("/runs?state=nonsense&before=nonsense")).toHaveLength(3);
    const html = await read("/runs");
    expect(html).toContain('href="https://github.com/octo-org/hello/pull/43"');
    expect(html).toContain("model-auth");
  });

  test("comes in pages", async () => {
    for (let index = 0; index < 53; index++) await world.addRun();
    const first = await read("/runs?state=queued");
    expect(first.match(/class="state queued"/g)).toHaveLength(50);
    const [, next = ""] = /<a rel="next" href="([^"]+)"/.exec(first) ?? [];
    const second = await read(next.replaceAll("&amp;", "&"));
    expect(second.match(/class="state queued"/g)).toHaveLength(3);
    expect(second).not.toContain('rel="next"');
  });
});

describe("the page of a run", () => {
  test("that is over says what came out of it", async () => {
    const { run_id: runId } = await world.addResult({
      ...{ duration: 131.4, branch: "codex/42-email", commit: "a".repeat(40) },
      output: { summary: "Added an email validator.", files_changed: ["a.ts"], full_log: null, log_truncated: false },
      pull_request: { number: 43, url: "https://github.com/octo-org/hello/pull/43" },
      usage: { input_tokens: 23_000, cached_input_tokens: 10_800, output_tokens: 1000 },
      timings: { queued: 4, cloning: 1, running: 120, publishing: 3 },
    });
    world.write(runId, {
      log: "Codex: I begin.\n",
      patch: "diff --git a/a.ts b/a.ts\n--- a/a.ts\n+++ b/a.ts\n@@ -1 +1 @@\n-old\n+new\n",
    });
    const html = await read(`/runs/${runId}`);
    for (const words of [
      ...[
        "Opened pull request #43.",
        "Added an email validator.",
        "codex/42-email",
        "2 min 11 s",
        "Add an email validator",
      ],
      ...[
        "23,000 in (10,800 cached), 1,000 out",
        "running 2 min",
        '<rect class="running"',
        "Codex: I begin.",
        "<ins>new</ins>",
      ],
      ...['href="https://github.com/octo-org/hello/issues/42#issuecomment-7"', `href="/runs/${runId}/diff"`],
    ])
      expect(html).toContain(words);
    expect(html).not.toContain("data-live");
    expect(html).not.toContain('http-equiv="refresh"');
  });

  test("that goes on says what it does, and is current without a script", async () => {
    const request = await world.addRun();
    await world.begin(request, { activity: { ...NO_ACTIVITY, lastCommand: "npm test" } });
    const html = await read(`/runs/${request.run_id}`);
    expect(html).toContain("now: npm test");
    expect(html).toContain('<noscript><meta http-equiv="refresh" content="10" /></noscript>');
    expect(html).toContain(`data-live="/runs/${request.run_id}/log?offset=0"`);
  });

  test("that waits says its place in line", async () => {
    await world.addRun();
    const { run_id: runId } = await world.addRun();
    expect(await read(`/runs/${runId}`)).toContain("position 2 in line");
  });

  test.each(["/runs/nonsense", "/runs/01a226bb-612f-7c05-b6d9-503e3faeb71e", "/runs/", "/runs/x/log", "/assets/x.css"])(
    "is 404 as JSON at %s",
    async (path) => {
      const response = await world.get(path, owner);
      expect([response.status, await response.json()]).toEqual([404, { error: "not found" }]);
    },
  );
});

describe("the log of a page", () => {
  test("is its end, with ways to the rest that leave nothing out", async () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index} ✓`);
    const { run_id: runId } = await world.addResult();
    world.write(runId, { log: `${lines.join("\n")}\n` });
    const seen = new Set<number>();
    const look = async (path: string) => {
      const html = await read(path);
      for (const [, index] of html.matchAll(/<span class="line">line (\d+) ✓\n<\/span>/g)) seen.add(Number(index));
      return {
        earlier: /href="([^"]+)">Earlier</.exec(html)?.[1],
        later: /href="([^"]+)">Later</.exec(html)?.[1],
      };
    };
    let at = await look(`/runs/${runId}`);
    expect(seen).toContain(19_999);
    expect(seen.size).toBeLessThan(10_000);
    expect(at.later).toBeUndefined();
    while (at.earlier !== undefined) at = await look(at.earlier);
    expect(seen.size).toBe(20_000);

    seen.clear();
    at = await look(`/runs/${runId}?from=0`);
    while (at.later !== undefined) at = await look(at.later);
    expect(seen.size).toBe(20_000);
  });

  test.each(["-1", "9999999999999", "nonsense", "1e3"])("takes from=%s for what it can be", async (from) => {
    const { run_id: runId } = await world.addResult();
    world.write(runId, { log: "one\ntwo\n" });
    expect((await world.get(`/runs/${runId}?from=${from}`, owner)).status).toBe(200);
  });
});

describe("finding in a log", () => {
  test("lists the lines that hold the text, and each leads to its place", async () => {
    const { run_id: runId } = await world.addResult();
    const lines = Array.from({ length: 30_000 }, (_, index) =>
      index === 20_000 ? "✓ The <Needle> is here" : `✓ ${index}`,
    );
    world.write(runId, { log: lines.join("\n") });
    const link = world.toLink(runId);
    const html = await (await world.get(`${link}&find=the+%3Cneedle%3E`)).text();
    const [, href = "", words] = /<li>\s*<a href="([^"]+)"><code>([^<]*)<\/code>/.exec(html) ?? [];
    expect(words).toBe("✓ The &lt;Needle&gt; is here");
    const there = await (await world.get(href.replaceAll("&amp;", "&").replace(/#.*/, ""))).text();
    expect(/class="log"[^>]*>\s*<span class="line">([^\n]*)/.exec(there)?.[1]).toBe("✓ The &lt;Needle&gt; is here");
    expect(await read(`/runs/${runId}?find=nowhere`)).toContain("No line holds it.");
    expect(await read(`/runs/${runId}?find=${encodeURIComponent("✓")}`)).toContain("The first 200 lines");
  });

  test("takes letters of any alphabet for the same in upper and lower case", async () => {
    const { run_id: runId } = await world.addResult();
    const lines = Array.from({ length: 30_000 }, (_, index) =>
      index % 10_000 === 7 ? "Größe ÜBER ✓ Alles" : `${index}`,
    );
    world.write(runId, { log: lines.join("\n") });
    for (const wanted of ["gRÖßE", "über ✓ ALLES", "✓ alles", "ALLES"])
      expect(await read(`/runs/${runId}?find=${encodeURIComponent(wanted)}`)).toContain("3 lines");
    expect(await read(`/runs/${runId}?find=${encodeURIComponent("ÜBER alles")}`)).toContain("No line holds it.");
  });

  test("takes a line of any length", async () => {
    const { run_id: runId } = await world.addResult();
    world.write(runId, { log: `${"x".repeat(300_000)}needle${"y".repeat(300_000)}` });
    expect(await read(`/runs/${runId}?find=needle`)).toMatch(/<code>…x{100}needley+…<\/code>/);
  });
});

describe("nothing from a run is markup", () => {
  const EVIL = `</pre></span>"'><script>alert(1)</script><img src=x onerror=alert(1)>`;
  const isClean = (html: string): void => {
    expect(html).not.toMatch(/<script>|<img|onerror=alert\(1\)>[^&]*<(?!\/)/);
    expect(html).not.toContain('</pre></span>"');
    expect(html).toContain("&lt;script&gt;");
  };

  test("not a prompt, a summary, a name, a branch, a log or a diff", async () => {
    const patch = [
      ...[`diff --git a/${EVIL} b/${EVIL}`, "index 111..222 100644", `--- a/${EVIL}`, `+++ b/${EVIL}`],
      ...[`@@ -1 +1 @@ ${EVIL}`, `-${EVIL}`, `+${EVIL}2`, ""],
    ].join("\n");
    const { run_id: runId } = await world.addResult(
      {
        ...{ status: "error", branch: EVIL, repo: EVIL },
        output: { summary: EVIL, files_changed: [EVIL], full_log: null, log_truncated: false },
        error: { reason: "codex-failed", message: EVIL, hint: EVIL },
        codex: { version: EVIL, thread_id: null, model: EVIL },
        pull_request: null,
      },
      { prompt: EVIL, trigger: { kind: "mcp", actor: EVIL, url: `javascript:alert(1)//${EVIL}` } },
    );
    world.write(runId, { log: `${EVIL}\n`, patch });
    const html = await read(`/runs/${runId}`);
    isClean(html);
    expect(html).not.toContain("javascript:");
    expect(html.match(/&lt;script&gt;/g)?.length).toBeGreaterThan(12);
  });

  test("not what an agent does now, and not what a filter asks for", async () => {
    const request = await world.addRun();
    await world.begin(request, { activity: { ...NO_ACTIVITY, lastCommand: EVIL } });
    isClean(await read(`/runs/${request.run_id}`));
    isClean(await read(`/runs?repo=${encodeURIComponent(EVIL)}`));
    const form = await world.get(`/runs?repo=${encodeURIComponent(EVIL)}`);
    expect(await form.text()).not.toContain("<script>alert");
  });

  test("and what would print nothing is named", async () => {
    const { run_id: runId } = await world.addResult(
      {},
      { prompt: "abc\u202edef\u200b \u{1f468}\u200d\u{1f469} \u001b[31mred" },
    );
    const html = await read(`/runs/${runId}`);
    expect(html).toContain("abc[U+202E]def[U+200B] \u{1f468}\u200d\u{1f469} red");
  });

  test("files of a run are text to a browser, whatever they hold", async () => {
    const { run_id: runId } = await world.addResult();
    world.write(runId, { log: "<script>alert(1)</script>", events: "<html>", patch: "<html>", result: "{}" });
    for (const [name, type] of [
      ...[["log", "text/plain; charset=utf-8"] as const, ["diff", "text/plain; charset=utf-8"] as const],
      ...[["events", "text/plain; charset=utf-8"] as const, ["result", "application/json; charset=utf-8"] as const],
    ]) {
      const { headers } = await world.get(`/runs/${runId}/${name}`, owner);
      expect(headers.get("content-type")).toBe(type);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-security-policy")).toContain("sandbox");
    }
  });
});

describe("every answer", () => {
  test("has a head that nothing is read for", async () => {
    const { run_id: runId } = await world.addRun();
    world.write(runId, { log: "one\n" });
    for (const accept of ["text/event-stream", "*/*"]) {
      const url = `${world.url}/runs/${runId}/log`;
      const response = await fetch(url, { method: "HEAD", headers: { ...owner, accept } });
      expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/plain; charset=utf-8"]);
    }
  });

  test("lets a browser run and load what is this server's alone, and keep nothing", async () => {
    const { run_id: runId } = await world.addRun();
    for (const [path, headers] of [
      ["/runs", {}],
      ["/runs", owner],
      [`/runs/${runId}`, owner],
      ["/runs/x", owner],
    ] as const) {
      const response = await world.get(path, headers);
      const policy = response.headers.get("content-security-policy") ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(response.headers.get("referrer-policy")).toBe("no-referrer");
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      expect(await response.text()).not.toMatch(/<style|\sstyle=|\son\w+=|<script>/);
    }
  });

  test("finds its style and script, which change their address with their text", async () => {
    const html = await read("/runs");
    const paths = [...html.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? "");
    expect(paths).toHaveLength(3);
    for (const path of paths) {
      const { status, headers } = await world.get(path);
      expect([status, headers.get("cache-control")]).toEqual([200, "public, max-age=31536000, immutable"]);
    }
  });
});
