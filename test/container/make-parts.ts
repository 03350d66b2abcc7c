import { makeRunnerParts } from "../../src/container/runner-parts.ts";
import { createTestEngine } from "./container-fixture.ts";

// A process of its own that sees to a runner image's parts, and tells where they are.
const [image = ""] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await makeRunnerParts(createTestEngine(), { image })));
