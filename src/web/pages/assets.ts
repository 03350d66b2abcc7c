import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** A file that pages need; its address changes with what is in it, so that it may be kept for good. */
export type Asset = { path: string; type: string; text: string };

const own = (name: string): string => readFileSync(new URL(`assets/${name}`, import.meta.url), "utf8");
const ofPackage = (name: string): string => readFileSync(createRequire(import.meta.url).resolve(name), "utf8");

const style = toAsset("style.css", { type: "text/css", text: own("style.css") + own("colours.css") });
const script = toAsset("run.js", { type: "text/javascript", text: own("run.js") });
const diff = toAsset("diff.css", { type: "text/css", text: ofPackage("diff2html/bundles/css/diff2html.min.css") });

/** Where a page's files are. */
export const assetPaths = { style: style.path, script: script.path, diff: diff.path };

/** The file at this path; undefined for every other path. */
export function findAsset(path: string): Asset | undefined {
  return [style, script, diff].find((asset) => asset.path === path);
}

function toAsset(name: string, { type, text }: { type: string; text: string }): Asset {
  const hash = createHash("sha256").update(text).digest("base64url").slice(0, 12);
  const [stem, ending] = name.split(".");
  return { path: `/assets/${stem}.${hash}.${ending}`, type: `${type}; charset=utf-8`, text };
}
