import type { RunRules } from "./rules.ts";

/** The hosts that a run's commands may reach: the repository's and the operator's, each once. */
export function toEgressHosts(
  { egress }: Pick<RunRules, "egress">,
  { operator }: { operator: readonly string[] },
): string[] {
  return [...new Set([...egress, ...operator])];
}

/** Where a container's forwarder takes CONNECT; behind it is the run's gateway. */
const PROXY_URL = "http://127.0.0.1:8377";
const LOOPBACK = "localhost,127.0.0.1,::1";

/**
 * The variables by which commands in a container find the way to these hosts; none when there are no hosts. Only HTTPS goes
 * that way. Node's own clients heed the variables when they are told to.
 */
export function toProxyVariables(hosts: readonly string[]): Record<string, string> {
  if (hosts.length === 0) return {};
  return {
    HTTPS_PROXY: PROXY_URL,
    https_proxy: PROXY_URL,
    NO_PROXY: LOOPBACK,
    no_proxy: LOOPBACK,
    NODE_USE_ENV_PROXY: "1",
  };
}
