import { createLogger } from "../../src/logger.ts";
import { createMask } from "../../src/masking/mask.ts";
import { openPgBossBell } from "../../src/queue/pg-boss-bell.ts";

// A process of its own that listens: prints `open`, then `heard` at the first ring, and ends.
const [url = "", schema = ""] = process.argv.slice(2);
const bell = await openPgBossBell({ url, schema, log: createLogger({ level: "silent", mask: createMask([]) }) });
const heard = Promise.withResolvers<void>();
process.stdout.write("open\n");
bell.onRing(heard.resolve);
await heard.promise;
process.stdout.write("heard\n");
await bell[Symbol.asyncDispose]();
