import { Transform, type Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Socket } from "node:net";

/** What all tunnels of one run may carry, and what they carried. */
export type Traffic = { sentBytes: number; receivedBytes: number };

export type SpliceOptions = {
  upstream: Socket;
  /** What was carried so far; counted on. */
  traffic: Traffic;
  limits: Traffic & { idleMs: number; lifetimeMs: number };
  /** Told of bytes that were let go. */
  countDead: (bytes: number) => void;
};

/** Carries bytes both ways until both ends are done, one of them breaks off, or a limit is reached; both are closed then. */
export async function splice(client: Duplex, { upstream, traffic, limits, countDead }: SpliceOptions): Promise<void> {
  const cut = (): void => {
    client.destroy();
    upstream.destroy();
  };
  const idle = setTimeout(cut, limits.idleMs);
  const lifetime = setTimeout(cut, limits.lifetimeMs);
  const count = (direction: keyof Traffic): Transform =>
    new Transform({
      transform(chunk: Buffer, _encoding, done) {
        idle.refresh();
        countDead(chunk.length);
        traffic[direction] += chunk.length;
        if (traffic[direction] > limits[direction]) cut();
        done(null, chunk);
      },
    });
  await Promise.allSettled([
    pipeline(client, count("sentBytes"), upstream),
    pipeline(upstream, count("receivedBytes"), client),
  ]);
  clearTimeout(idle);
  clearTimeout(lifetime);
  cut();
}
