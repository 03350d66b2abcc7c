import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { isForeignCredential } from "../../../access/foreign-credential.ts";
import { checkOrigin, type CheckOriginOptions } from "./check-origin.ts";
import { toBearerToken, type HttpPrincipal, type TokenCheck } from "./tokens.ts";

/** Who calls; or the answer that he gets instead. */
export type Caller =
  | { kind: "allowed"; principal: HttpPrincipal }
  | { kind: "refused"; status: 401 | 403; message: string; headers: Record<string, string> };

/** The parts of a request that decide who may call. */
export type CallerRequest = Pick<IncomingMessage, "headers"> & { socket: Pick<Socket, "localAddress"> };

export type CheckCallerOptions = CheckOriginOptions & { tokens: TokenCheck };

/** Decides by a request's head who calls: `Host` and `Origin` first, then the token. Nothing of the body is needed. */
export function checkCaller(request: CallerRequest, { tokens, ...options }: CheckCallerOptions): Caller {
  const { host, origin, authorization } = request.headers;
  const place = checkOrigin({ host, origin, localAddress: request.socket.localAddress }, options);
  if (place !== "allowed") return { kind: "refused", status: 403, message: placeMessages[place.refused], headers: {} };
  const principal = tokens.find(authorization);
  if (principal !== null) return { kind: "allowed", principal };
  return { kind: "refused", status: 401, ...toTokenRefusal(authorization) };
}

const placeMessages = {
  host: "This server is not known by the name in the Host header: set PUBLIC_URL to the URL that it is reached at.",
  origin: "Web pages of this origin may not call this server: only PUBLIC_URL's own may.",
};

const REALM = 'Bearer realm="codex-orchestrator"';

/** RFC 6750, section 3: without a token there is no error to name. Wrong and expired tokens read alike. */
function toTokenRefusal(authorization: string | undefined): { message: string; headers: Record<string, string> } {
  const token = toBearerToken(authorization);
  if (token === null) {
    const message = "A token is needed: send `Authorization: Bearer <token>` with a token of this server.";
    return { message, headers: { "www-authenticate": REALM } };
  }
  const message = isForeignCredential(token)
    ? "This is not a token of this server but looks like a credential of GitHub or OpenAI. It is never passed on: send a token that `codex-orchestrator mcp token` made, and keep that one to yourself."
    : "This is not a token of this server, or is no longer: ask for one that `codex-orchestrator mcp token` makes.";
  return { message, headers: { "www-authenticate": `${REALM}, error="invalid_token"` } };
}
