import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { appendColoured } from "./append-coloured.ts";
import { openPagesWorld, TOKEN, type PagesWorld } from "./pages-world.ts";

let world: PagesWorld;
beforeEach(async () => {
  world = await openPagesWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const owner = { authorization: `Bearer ${TOKEN}` };
const read = async (path: string): Promise<string> => (await world.get(path, owner)).text();

describe("the log of a page", () => {
  test("has the colours that its commands gave it, on each part of it", async () => {
    const { run_id: runId } = await world.addResult();
    const lines = ["plain", "$ a \u001b[31m<b>red\u001b[0m", "\u001b[1;32mgreen\u001b[0m end"];
    await appendColoured(world, { runId, lines });
    const green = '<span class="line"><span class="fg-2 bold">green</span> end\n</span>';
    expect(await read(`/runs/${runId}`)).toContain(
      `<span class="line">plain\n</span><span class="line command">$ a <span class="fg-1">&lt;b&gt;red</span>\n</span>${green}`,
    );
    expect(await read(`/runs/${runId}?from=17`)).toMatch(new RegExp(`<pre[^>]*>\n${green}`));
    const text = await (await world.get(`/runs/${runId}/log`, owner)).text();
    expect(text).toBe("plain\n$ a <b>red\ngreen end\n");
  });

  test("has of a colour what lies within the part that is shown", async () => {
    const { run_id: runId } = await world.addResult();
    world.write(runId, { log: "one ✓\ntwo ✓\nthree", colours: "000000000002 000010 1-0\n" });
    expect(await read(`/runs/${runId}`)).toContain(
      '<span class="line">on<span class="fg-1">e ✓\n</span></span><span class="line"><span class="fg-1">two </span>✓\n</span>',
    );
    expect(await read(`/runs/${runId}?from=8`)).toMatch(
      /<pre[^>]*>\n<span class="line"><span class="fg-1">two <\/span>✓\n<\/span><span class="line">three<\/span>/,
    );
  });

  test("is shown without colours that cannot be read", async () => {
    const { run_id: runId } = await world.addResult();
    world.write(runId, { log: "one\ntwo", colours: "</pre><script>alert(1)</script>\n".repeat(9) });
    expect(await read(`/runs/${runId}`)).toContain('<span class="line">one\n</span><span class="line">two</span>');
  });
});
