import remarkParse from "remark-parse";
import { unified } from "unified";

const parser = unified().use(remarkParse);
type Root = ReturnType<typeof parser.parse>;
type Node = Root | Root["children"][number];

/** Addresses on GitHub that no cross-reference comes of. */
const HARMLESS = /^https:\/\/github\.com\/(?!.*\/(?:issues|pull)\/)/;

/** What in a text GitHub would act on, by the parsed text: names of what is wrong. `allowed`: where links may lead. */
export function findLive(markdown: string, { allowed = HARMLESS } = {}): string[] {
  const found: string[] = [];
  const visit = (node: Node, inLink: "inLink" | null): void => {
    if (node.type === "image" || node.type === "imageReference" || node.type === "html" || node.type === "definition")
      found.push(node.type === "html" ? `html ${node.value}` : node.type);
    if (node.type === "link" && !allowed.test(node.url)) found.push(`link ${node.url}`);
    if (node.type === "text") {
      if (/@[a-z0-9]/i.test(node.value)) found.push(`mention ${node.value}`);
      if (/#\d|\bGH-\d/i.test(node.value)) found.push(`reference ${node.value}`);
      if (inLink === null && /https?:\/\/|\bwww\.\w/i.test(node.value)) found.push(`address ${node.value}`);
    }
    if ("children" in node) for (const child of node.children) visit(child, node.type === "link" ? "inLink" : inLink);
  };
  visit(parser.parse(markdown), null);
  return found;
}
