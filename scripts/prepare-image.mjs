import { fileURLToPath } from "node:url";
import { askEngine, findEndpoint } from "./docker-engine.mjs";
import { reportStep } from "./report-step.mjs";
import { runInForeground } from "./run-in-foreground.mjs";
import { SetUpError } from "./set-up-error.mjs";
