import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { inspect } from "node:util";
import Docker from "dockerode";
import type { EngineEndpoint } from "./find-endpoint.ts";

/**
 * Makes the client for an endpoint that was found before.
 *
 * Every setting is given, since dockerode would fill a missing one from the environment. Connections are not kept:
 * a kept one that the engine has closed meanwhile fails the next call, and opening one costs 0.1 ms.
 */
export function connectDocker(endpoint: EngineEndpoint): Docker {
  const none = {
    host: undefined,
    socketPath: undefined,
    port: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
  };
  const settings = { ...none, pathPrefix: "/", username: undefined, timeout: undefined };
  if (endpoint.kind === "socket") {
    const agent = keepShort(new HttpAgent({ keepAlive: false }));
    return new Docker({
      ...settings,
      socketPath: endpoint.socketPath,
      protocol: "http",
      agent,
    } as Docker.DockerOptions);
  }
  const { host, port, tls } = endpoint;
  const protocol = tls ? "https" : "http";
  const agent = keepShort(tls ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false }));
  return new Docker({ ...settings, ...tls, host, port, protocol, agent } as Docker.DockerOptions);
}

/**
 * docker-modem writes out every request for its debug output, also when nobody listens to that. An agent, with its sockets
 * and all they know, took most of the 6 ms that a request cost.
 */
function keepShort<Agent extends HttpAgent>(agent: Agent): Agent {
  return Object.assign(agent, { [inspect.custom]: () => "an agent" });
}
