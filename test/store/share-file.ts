import { createHash } from "node:crypto";
import { RunId } from "../../src/run/id.ts";
import { openDatabase } from "../../src/store/database.ts";
import { createSharedFiles } from "../../src/store/shared-files.ts";

// A process of its own that appends a file, or reads one, and tells how much memory it took at most and what it read.
const [action, url = "", runId = "", name = "", path = ""] = process.argv.slice(2);
await using database = await openDatabase({ kind: "postgres", url });
const files = createSharedFiles(database);
const run = RunId.parse(runId);
const hash = createHash("sha256");
if (action === "append") await files.append(run, { name, path });
else for await (const piece of (await files.open(run, { name })) ?? []) hash.update(piece);
const peakBytes = process.resourceUsage().maxRSS * 1024;
process.stdout.write(JSON.stringify({ peakBytes, sha256: hash.digest("hex") }));
