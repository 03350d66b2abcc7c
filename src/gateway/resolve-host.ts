import { Resolver } from "node:dns/promises";

/**
 * The addresses of a host as the name servers give them. Not by way of the system's `getaddrinfo`: it would hold one of the
 * few threads that all work on files goes through for as long as a name server of somebody else's wants. Rejects when there
 * are none.
 */
export async function resolveHost(host: string, { signal }: { signal: AbortSignal }): Promise<string[]> {
  const resolver = new Resolver({ timeout: 3_000, tries: 2 });
  signal.addEventListener("abort", () => resolver.cancel(), { once: true });
  const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  const found = [four, six].flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  if (found.length === 0 && four.status === "rejected") throw four.reason;
  return found;
}
