import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { openGateway } from "../../src/gateway/gateway.ts";
import { KEY } from "./scripted-upstream.ts";

export type GatewayProcess = AsyncDisposable & {
  /** When its socket was there, on the clock of `performance.now()`. */
  readyAt: number;
  /** Ends it as `kill -9` does; its socket file is left behind. */
  kill(): Promise<void>;
};
export type StartGatewayProcessOptions = { upstreamUrl: string };

/** A gateway in a process of its own. Disposing it kills it. */
export async function startGatewayProcess(
  socketPath: string,
  { upstreamUrl }: StartGatewayProcessOptions,
): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), socketPath, upstreamUrl], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  const closed = once(child, "close");
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await closed;
  };
  return { readyAt: performance.now(), kill, [Symbol.asyncDispose]: kill };
}

const [program, socketPath, upstreamUrl] = process.argv.slice(1);
if (program === fileURLToPath(import.meta.url) && socketPath !== undefined && upstreamUrl !== undefined) {
  await openGateway({ socketPath, upstreamUrl, authorization: async () => ({ authorization: `Bearer ${KEY}` }) });
  process.stdout.write("ready\n");
}
