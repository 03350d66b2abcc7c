import { randomUUID } from "node:crypto";
import { request } from "node:http";
import { toCodexArgv } from "../codex/argv.ts";
import { createEventReader } from "../codex/events.ts";
import type { ContainerEngine } from "../container/engine.ts";
import type { ModelRequest, ModelScript } from "../demo/model-script.ts";
import { startScriptedModel } from "../demo/scripted-model.ts";
import { openGateway } from "../gateway/gateway.ts";
import { fail, pass, type Finding } from "./check.ts";
import { PROBE_TIMEOUT_MS, type CheckContainerOptions } from "./check-container-profile.ts";
import { findWrongEnd, openProbe, runProbe, type ProbeEnd } from "./probe.ts";

/** A model that Codex knows and gives its tools to one by one, which is what the stand-in answers in. */
const MODEL = "gpt-5.5";
const ANSWER = "The gateway can be reached.";

/** Lists the container's network routes: a header, and nothing else where there is no network. */
const COMMAND = "cat /proc/net/route";

/**
 * Whether Codex, in a run's container, reaches a model through the gateway, which adds the key and refuses all else. The
 * model is a stand-in on this machine, so no tokens are spent and the real key is not used.
 */
export async function checkGateway(engine: ContainerEngine, options: CheckContainerOptions): Promise<Finding> {
  const key = `doctor-${randomUUID()}`;
  const seen: Seen = { routes: null };
  const argv = toCodexArgv({ model: MODEL, effort: null, dir: null, resumeThreadId: null });
  await using probe = await openProbe(engine, { ...options, argv, prompt: "Can the gateway be reached?" });
  await using model = await startScriptedModel((asked) => toScript(asked, { seen }), { apiKey: key });
  await using gateway = await openGateway({
    socketPath: probe.socketPath,
    upstreamUrl: model.baseUrl,
    authorization: async () => ({ authorization: `Bearer ${key}` }),
  });

  const status = await askForbidden(probe.socketPath, options);
  if (status !== 403) return toFault(`the gateway lets through what it must refuse (HTTP ${status})`);
  const end = await runProbe(engine, {
    probe,
    timeoutMs: options.timeoutMs ?? PROBE_TIMEOUT_MS,
    signal: options.signal,
  });
  return judgeGateway(end, { seen, requests: gateway.requests, statuses: model.requests.map(({ status }) => status) });
}

/** What the stand-in model learns from the container. */
type Seen = { routes: string | null };

function toScript(asked: ModelRequest, { seen }: { seen: Seen }): ModelScript {
  seen.routes = asked.outputs[0] ?? seen.routes;
  return [
    { items: [{ kind: "shell", command: COMMAND }] },
    { items: [{ kind: "say", text: ANSWER, phase: "final_answer" }] },
  ];
}

type JudgeOptions = { seen: Seen; requests: number; statuses: number[] };

function judgeGateway(end: ProbeEnd, { seen, requests, statuses }: JudgeOptions): Finding {
  const reader = createEventReader({});
  reader.push(Buffer.from(end.stdout));
  const { finalMessage, failureMessage } = reader.end();
  const wrong = findWrongEnd(end);
  if (requests === 0) {
    return fail(`nothing of the container reached the gateway (${wrong ?? "Codex ended without a word"})`, {
      mend: "Check that the engine runs on this machine and may mount sockets (gVisor needs `runsc --host-uds=open`).",
    });
  }
  if (statuses.includes(401)) return toFault("the gateway does not add the key");
  if (wrong !== null || finalMessage !== ANSWER) {
    return toFault(`Codex did not get the model's answer: ${failureMessage ?? wrong ?? "it said something else"}`);
  }
  if (hasRoute(seen.routes ?? "")) {
    return fail("the container has a network, though none was wanted", {
      mend: "Look at the engine's settings for networks: a run must have none.",
    });
  }
  return pass(
    "Codex in a container reached a stand-in model through it",
    "the key stayed outside",
    "all else is refused",
  );
}

function hasRoute(table: string): boolean {
  return /^\S+\t[0-9A-F]{8}\t/m.test(table);
}

/** Asks for something that only the model's owner may ask for. Resolves with the status of the answer. */
function askForbidden(socketPath: string, { signal }: { signal: AbortSignal }): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: "/v1/models", headers: { connection: "close" }, signal }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.once("error", reject);
    asked.end();
  });
}

/** Nothing on this machine explains it. */
function toFault(detail: string): Finding {
  return fail(detail, {
    mend: "This is a defect in Codex Orchestrator or its image; please report it with this line.",
  });
}
