import { writeFileSync } from "node:fs";
import { createLogger } from "../../src/logger.ts";
import { createMask } from "../../src/masking/mask.ts";
import { findDestination } from "../../src/publish/destination.ts";
import { createGitHubAccess } from "../../src/publish/github-access.ts";
import { publishChanges, type Published } from "../../src/publish/publish.ts";
import { crashAtStep, type Step } from "../../src/steps.ts";
import type { PublishOrder } from "./publish-lab.ts";

export type ChildOrder = PublishOrder & {
  crashAt: Step | null;
  /** Where what is told is written to, as a record would. */
  recordPath: string;
  published: Published;
  attempt: "first" | "repeat";
};

const order = JSON.parse(process.argv[2] ?? "") as ChildOrder;
const { origin: webUrl, app, publication, recordPath, published, attempt } = order;
const mask = createMask();
const log = createLogger({ level: "silent", mask });
const access = createGitHubAccess({ apiUrl: `${webUrl}/api/v3`, webUrl, app, token: null, mask, log });
const others = { hasCredentials: true, isAllowed: () => true, askPermission: async () => null };
const destination = await findDestination(publication.request, { access, webUrl, ...others });
if (order.crashAt !== null) crashAtStep(order.crashAt);
process.stdout.write("ready\n");
await publishChanges(publication, {
  ...{ destination, published, attempt },
  onPublished: async (now) => writeFileSync(recordPath, JSON.stringify(now)),
});
