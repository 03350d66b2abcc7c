const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text as it may stand in HTML, in an attribute's value, too. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (found) => entities[found] ?? "");
}

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 40rem; margin: 10vh auto; padding: 0 1rem }
code { font-size: .9em; overflow-wrap: anywhere }
input { font: inherit; width: 100%; box-sizing: border-box; padding: .4rem .6rem; margin: .3rem 0 1rem }
button { font: inherit; padding: .5rem 1rem; cursor: pointer }
.problem { border-left: .25rem solid #cf222e; padding-left: .75rem }
`;

/** A whole page. `body` is HTML; whoever makes it has escaped what came from outside. */
export function toPage(title: string, { body }: { body: string }): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title>
<style>${STYLE}</style></head>
<body>
<h1>${escapeHtml(title)}</h1>
${body}
</body>
</html>
`;
}
