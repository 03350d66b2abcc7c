import axe from "axe-core";
import { z } from "zod";
import type { Window } from "./browser-world.ts";

const Findings = z.array(z.object({ id: z.string(), help: z.string(), nodes: z.array(z.string()) }));

/** What axe finds wrong with the page, by the rules of WCAG 2.2, levels A and AA. */
export async function checkPage({ page }: Window): Promise<string[]> {
  await page.evaluate(`${axe.source}; 0`);
  const found =
    await page.evaluate(`axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] })
    .then(({ violations }) => violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ html, failureSummary }) => html.slice(0, 200) + " " + failureSummary) })))`);
  return Findings.parse(found).map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).join(" | ")}`);
}

const Contrast = z.object({ wrong: z.array(z.string()), pieces: z.number() });

/** Whose contrast is too low for AA, or cannot be told, within an element; and how many pieces of text were looked at. */
export async function checkContrast(
  { page }: Window,
  { selector }: { selector: string },
): Promise<z.infer<typeof Contrast>> {
  await page.evaluate(`${axe.source}; 0`);
  return Contrast.parse(
    await page.evaluate(`axe.run(${JSON.stringify(selector)}, { runOnly: ["color-contrast"] })
    .then(({ violations, incomplete, passes }) => {
      const toNodes = (rules) => rules.flatMap(({ nodes }) => nodes);
      const wrong = toNodes([...violations, ...incomplete]).map(({ html, any }) => html + " " + any.map(({ message }) => message));
      return { wrong, pieces: toNodes(passes).length };
    })`),
  );
}
