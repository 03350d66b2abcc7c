import type { Octokit } from "@octokit/rest";
import type { GitHubClients } from "./github-client.ts";
import { toStatus } from "./github-failure.ts";

/** A token and when it expires, in milliseconds since the epoch. */
export type MintedToken = { token: string; expiresAt: number };

export type RenewingClientOptions = {
  spacing: string;
  mint: () => Promise<MintedToken>;
  /** The same for what is asked about an organisation's teams, which most installations do not let us ask. */
  mintForTeams: () => Promise<MintedToken>;
};

/** How long before its end a token counts as expired, in milliseconds. */
const MINT_MARGIN_MS = 5 * 60_000;

/** A client whose tokens are minted on first use, kept until they are about to expire, and renewed once on a 401. */
export function createRenewingClient(
  clients: GitHubClients,
  { spacing, mint, mintForTeams }: RenewingClientOptions,
): Octokit {
  const usual = createTokenHolder(mint);
  const forTeams = createTokenHolder(mintForTeams);
  const client = clients.create({ spacing });
  client.hook.wrap("request", async (request, parameters) => {
    const holder = parameters.url.startsWith("/orgs/{org}/teams/") ? forTeams : usual;
    const { token } = await holder.held();
    // Hooks are bound to this very object: only changing it reaches the request.
    const send = (value: string) => {
      parameters.headers.authorization = `token ${value}`;
      return request(parameters);
    };
    try {
      return await send(token);
    } catch (error) {
      if (toStatus(error) !== 401) throw error;
      return send((await holder.renew()).token);
    }
  });
  return client;
}

type TokenHolder = { held(): Promise<MintedToken>; renew(): Promise<MintedToken> };

function createTokenHolder(mint: () => Promise<MintedToken>): TokenHolder {
  let current: Promise<MintedToken> | null = null;
  const renew = (): Promise<MintedToken> => {
    current = mint();
    current.catch(() => (current = null));
    return current;
  };
  return {
    renew,
    held: async () => {
      const held = await (current ?? renew());
      return held.expiresAt - Date.now() < MINT_MARGIN_MS ? renew() : held;
    },
  };
}
