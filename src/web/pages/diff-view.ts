import { html as toDiffMarkup } from "diff2html";
import { ColorSchemeType } from "diff2html/lib/types.js";
import { html, raw } from "hono/html";
import type { Page } from "../../store/page.ts";
import { toHref, type Html, type Viewer } from "./layout.ts";
import type { RunId } from "../../run/id.ts";
import { toShownText, toSizeText } from "./words.ts";

/** The longest diff that a page shows, in bytes and in lines; what is longer is read as text. */
export const SHOWN_DIFF_BYTES = 256 * 1024;
const SHOWN_DIFF_LINES = 4000;

export type DiffViewOptions = { runId: RunId; viewer: Viewer; page: Page };

/** What a run changed, file by file. */
export function toDiffView({ runId, viewer, page }: DiffViewOptions): Html {
  const lines = page.text.split("\n").length;
  const isShown = page.nextOffset === null && lines <= SHOWN_DIFF_LINES;
  return html`<section aria-labelledby="diff-title">
    <h2 id="diff-title">Changes</h2>
    <p class="tools">
      <a href="${toHref(`/runs/${runId}/diff`, viewer)}">Diff as text</a>
      <span class="dim">${toSizeText(page.size)}</span>
    </p>
    ${isShown ? html`<div class="diff">${toDiffHtml(page.text)}</div>` : html`<p>It is too long to be shown here.</p>`}
  </section>`;
}

/** diff2html escapes names and lines; what it could make a control of is taken out of its templates. */
function toDiffHtml(patch: string): Html {
  return raw(
    toDiffMarkup(toShownText(withoutBinaries(patch)), {
      outputFormat: "line-by-line",
      colorScheme: ColorSchemeType.AUTO,
      drawFileList: true,
      matching: "none",
      rawTemplates: templates,
    }),
  );
}

/** diff2html's own ones without what would need its script, and with a place for the keyboard where lines are long. */
const templates = {
  "file-summary-wrapper": `<ol class="d2h-file-list d2h-auto-color-scheme">{{{files}}}</ol>`,
  "generic-file-path": `<span class="d2h-file-name-wrapper"><span class="d2h-file-name">{{fileDiffName}}</span>{{>fileTag}}</span>`,
  "line-by-line-file-diff": `<div id="{{fileHtmlId}}" class="d2h-file-wrapper">
    <div class="d2h-file-header">{{{filePath}}}</div>
    <div class="d2h-file-diff" tabindex="0" role="group" aria-label="{{file.newName}}"><div class="d2h-code-wrapper">
      <table class="d2h-diff-table"><tbody class="d2h-diff-tbody">{{{diffs}}}</tbody></table>
    </div></div>
  </div>`,
};

/** The bytes of a binary file, as git encodes them, tell people nothing. */
function withoutBinaries(patch: string): string {
  return patch.replace(/^GIT binary patch\n[\s\S]*?(?=^diff --git |(?![\s\S]))/gm, "Binary files differ\n");
}
