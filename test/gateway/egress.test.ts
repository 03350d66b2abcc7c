import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEgressGateway } from "../../src/gateway/egress-gateway.ts";
import type { EgressEvent, EgressOptions } from "../../src/gateway/tunnels.ts";
import { askTunnel, getInside } from "./ask-tunnel.ts";
import { completed, post, say, sendStream, startGateway, startUpstream } from "./scripted-upstream.ts";
import { startTlsStandIn, type TlsStandIn } from "./tls-stand-in.ts";

const HOST = "packages.example.org";
let standIn: TlsStandIn;
beforeAll(async () => {
  standIn = await startTlsStandIn([HOST]);
});
afterAll(() => standIn[Symbol.asyncDispose]());

/** Lets the stand-in on loopback through, which nothing but a test may do. */
const toStandIn = (changed: Partial<EgressOptions> = {}): EgressOptions => ({
  hosts: [HOST],
  resolve: async () => ["127.0.0.1"],
  isAllowedAddress: (address) => address === "127.0.0.1",
  port: standIn.port,
  ...changed,
});

async function start(egress: EgressOptions) {
  return startGateway("http://127.0.0.1:1/v1", { egress });
}

describe("a tunnel to an allowed host", () => {
  test.each([HOST, "Packages.Example.ORG", `${HOST}.`])("CONNECT %s:443 leads there", async (name) => {
    await using gateway = await start(toStandIn());
    const asked = await askTunnel(gateway.socketPath, `${name}:443`);
    expect(asked.status).toBe("HTTP/1.1 200 Connection Established");
    expect(await getInside(asked, { host: HOST, ...standIn })).toBe(`hello from ${HOST}`);
  });

  test("carries megabytes whole, several at once, and bytes that came right behind CONNECT", async () => {
    await using gateway = await start(toStandIn());
    const size = 5_000_000;
    const sizes = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const asked = await askTunnel(gateway.socketPath, `${HOST}:443`);
        return (await getInside(asked, { host: HOST, path: `/bytes/${size}`, ...standIn })).length;
      }),
    );
    expect(sizes).toEqual([size, size, size, size]);
  });

  test("carries what came right behind CONNECT, and what the host says after the command is done", async () => {
    const echo = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket)).listen(0, "127.0.0.1");
    await once(echo, "listening");
    const address = echo.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await using gateway = await start(toStandIn({ port }));
    const eager = connect({ path: gateway.socketPath, allowHalfOpen: true });
    eager.end(`CONNECT ${HOST}:443 HTTP/1.1\r\n\r\nright behind it`);
    expect((await eager.toArray()).join("")).toBe("HTTP/1.1 200 Connection Established\r\n\r\nright behind it");
    echo.close();
  });

  test("is told of by its host alone", async () => {
    const events: EgressEvent[] = [];
    await using gateway = await start(toStandIn({ onTunnel: (event) => events.push(event) }));
    await getInside(await askTunnel(gateway.socketPath, `${HOST}:443`), { host: HOST, path: "/secret", ...standIn });
    (await askTunnel(gateway.socketPath, "evil.example.com:443")).socket.destroy();
    expect(events).toEqual([
      { host: HOST, refused: null },
      { host: "evil.example.com", refused: "evil.example.com is not in this repository's egress list" },
    ]);
  });
});

describe("what is refused", () => {
  const unlisted = /is not in this repository's egress list: add it to egress in \.github\/codex\.yml .* EGRESS_ALLOW/;
  test.each([
    ["another host", "evil.example.com:443", unlisted],
    ["a host below an allowed one", `a.${HOST}:443`, unlisted],
    ["the host above an allowed one", "example.org:443", unlisted],
    ["a longer name with the same end", `x${HOST}:443`, unlisted],
    ["a longer name with the same beginning", `${HOST}.evil.com:443`, unlisted],
    ["another port", `${HOST}:22`, /port 443 only/],
    ["plain http's port", `${HOST}:80`, /port 443 only/],
    ["the port in another spelling", `${HOST}:0443`, /port 443 only/],
    ["a port that wraps around", `${HOST}:65979`, /port 443 only/],
    ["no port", HOST, /no host and port/],
    ["two dots at the end", `${HOST}..:443`, unlisted],
    ["a dot before it", `.${HOST}:443`, unlisted],
    ["a user before it", `u@${HOST}:443`, /no host and port/],
    ["a user who looks like it", `${HOST}:443@evil.com:443`, /no host and port/],
    ["a user that hides the host", `${HOST}@evil.com:443`, /no host and port/],
    ["loopback by name", "localhost:443", unlisted],
    ["loopback by address", "127.0.0.1:443", unlisted],
    ["loopback as one number", "2130706433:443", unlisted],
    ["loopback in octal", "0177.0.0.1:443", unlisted],
    ["loopback in hexadecimal", "0x7f000001:443", unlisted],
    ["loopback in IPv6", "[::1]:443", /no host and port/],
    ["a mapped address", "[::ffff:127.0.0.1]:443", /no host and port/],
    ["the metadata service", "169.254.169.254:443", unlisted],
    ["an escape", "packages%2eexample.org:443", /no host and port/],
    ["a path", `${HOST}:443/x`, /no host and port/],
    ["a URL", `https://${HOST}:443/`, /no host and port/],
    ["punycode that looks alike", "xn--ackages-hqf.example.org:443", unlisted],
    ["nothing", ":443", /no host and port/],
  ])("%s: CONNECT %s", async (_, target, words) => {
    const before = standIn.connections;
    await using gateway = await start(toStandIn());
    const asked = await askTunnel(gateway.socketPath, target);
    expect(asked.status).toMatch(/^HTTP\/1\.1 403 \S/);
    expect(await asked.text()).toMatch(words);
    expect(standIn.connections).toBe(before);
  });

  test.each([
    ["a letter of Cyrillic", "р\u0061ckages.example.org:443"],
    ["the Kelvin sign for a k", "pac\u212aages.example.org:443"],
    ["a full-width dot", "packages\uff0eexample.org:443"],
    ["a NUL", `${HOST}\u0000.evil.com:443`],
  ])("%s is no HTTP", async (_, target) => {
    await using gateway = await start(toStandIn());
    expect((await askTunnel(gateway.socketPath, target)).status).toMatch(/^HTTP\/1\.1 400 /);
  });

  test.each([
    ["loopback", ["127.0.0.1", "::1"]],
    ["a private network", ["10.0.0.5"]],
    ["the metadata service", ["169.254.169.254"]],
    ["a mapped address", ["::ffff:127.0.0.1"]],
    ["nothing", []],
  ])("an allowed host that leads to %s", async (_, addresses) => {
    await using gateway = await startGateway("http://127.0.0.1:1/v1", {
      egress: { hosts: [HOST], port: standIn.port, resolve: async () => addresses },
    });
    const before = standIn.connections;
    const asked = await askTunnel(gateway.socketPath, `${HOST}:443`);
    expect(asked.status).toBe(`HTTP/1.1 403 ${HOST} has no address on the public internet`);
    expect(standIn.connections).toBe(before);
  });

  test("a name that leads elsewhere when it is asked for again: it is not asked for again", async () => {
    const answers = [["127.0.0.1"], ["127.0.0.2"]];
    let questions = 0;
    const resolve = async (): Promise<string[]> => answers[questions++] ?? [];
    await using gateway = await start(toStandIn({ resolve }));
    const asked = await askTunnel(gateway.socketPath, `${HOST}:443`);
    expect(await getInside(asked, { host: HOST, ...standIn })).toBe(`hello from ${HOST}`);
    expect(questions).toBe(1);
    expect((await askTunnel(gateway.socketPath, `${HOST}:443`)).status).toMatch(/^HTTP\/1\.1 403 /);
  });

  test("of several addresses only those that were allowed are tried", async () => {
    const resolve = async (): Promise<string[]> => ["127.0.0.2", "127.0.0.1", "10.1.2.3"];
    await using gateway = await start(toStandIn({ resolve }));
    const asked = await askTunnel(gateway.socketPath, `${HOST}:443`);
    expect(await getInside(asked, { host: HOST, ...standIn })).toBe(`hello from ${HOST}`);
  });

  test("a name that nobody knows, and a host that does not answer, are said in one line", async () => {
    const unknown = Object.assign(new Error("secret words"), { code: "ENOTFOUND" });
    await using lost = await start(toStandIn({ resolve: () => Promise.reject(unknown) }));
    const asked = await askTunnel(lost.socketPath, `${HOST}:443`);
    expect(asked.status).toBe(`HTTP/1.1 502 ${HOST} could not be found (ENOTFOUND)`);
    await using closed = await start(toStandIn({ port: 1 }));
    expect((await askTunnel(closed.socketPath, `${HOST}:443`)).status).toMatch(/^HTTP\/1\.1 502 .*\(ECONNREFUSED\)$/);
    const cancelled = Object.assign(new Error("cancelled"), { code: "ECANCELLED" });
    const never = (_host: string, { signal }: { signal: AbortSignal }) =>
      new Promise<string[]>((_resolve, reject) => signal.addEventListener("abort", () => reject(cancelled)));
    await using slow = await start(toStandIn({ resolve: never, limits: { connectMs: 50 } }));
    expect((await askTunnel(slow.socketPath, `${HOST}:443`)).status).toMatch(/^HTTP\/1\.1 502 .*\(ETIMEDOUT\)$/);
  });
});

describe("limits", () => {
  test("on tunnels at once", async () => {
    await using gateway = await start(toStandIn({ limits: { tunnelsAtOnce: 2 } }));
    const open = [
      await askTunnel(gateway.socketPath, `${HOST}:443`),
      await askTunnel(gateway.socketPath, `${HOST}:443`),
    ];
    expect((await askTunnel(gateway.socketPath, `${HOST}:443`)).status).toMatch(/^HTTP\/1\.1 503 .*\(2\)$/);
    open[0]?.socket.destroy();
    await expect
      .poll(async () => (await askTunnel(gateway.socketPath, `${HOST}:443`)).status)
      .toBe("HTTP/1.1 200 Connection Established");
    open[1]?.socket.destroy();
  });

  test("on bytes in each direction: the tunnel is cut, and no other opens", async () => {
    const events: EgressEvent[] = [];
    const limits = { receivedBytes: 100_000 };
    await using gateway = await start(toStandIn({ limits, onTunnel: (event) => events.push(event) }));
    const asked = await askTunnel(gateway.socketPath, `${HOST}:443`);
    const cut = await getInside(asked, { host: HOST, path: "/bytes/1000000", ...standIn });
    expect(cut.length).toBeLessThan(1_000_000);
    expect(events).toEqual([
      { host: HOST, refused: null },
      { host: HOST, refused: "This run has moved as many bytes over the network as it may" },
    ]);
    expect((await askTunnel(gateway.socketPath, `${HOST}:443`)).status).toMatch(/^HTTP\/1\.1 403 This run has moved/);
    await using sender = await start(toStandIn({ limits: { sentBytes: 1_000 } }));
    const sending = await askTunnel(sender.socketPath, `${HOST}:443`);
    sending.socket.write(Buffer.alloc(2_000));
    await once(sending.socket.resume(), "close");
    expect((await askTunnel(sender.socketPath, `${HOST}:443`)).status).toMatch(/^HTTP\/1\.1 403 This run has moved/);
  });

  test.each([{ idleMs: 100 }, { lifetimeMs: 100 }])("on time: %j", async (limits) => {
    await using gateway = await start(toStandIn({ limits }));
    const { socket, status } = await askTunnel(gateway.socketPath, `${HOST}:443`);
    expect(status).toMatch(/ 200 /);
    const startedAt = performance.now();
    await once(socket.resume(), "close");
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

describe("the gateway around it", () => {
  test("MP-001: nothing but model requests and tunnels passes when there are hosts", async () => {
    await using gateway = await start(toStandIn());
    for (const path of ["/v1/models", `https://${HOST}/`, `http://${HOST}/`])
      expect(await post(gateway.socketPath, undefined, { method: "GET", path })).toMatchObject({ status: 403 });
  });

  test("answers the model's requests while tunnels are open and after many were refused", async () => {
    await using upstream = await startUpstream((response) => sendStream(response, say("fine"), completed()));
    await using gateway = await startGateway(upstream.url, { egress: toStandIn() });
    const open = await askTunnel(gateway.socketPath, `${HOST}:443`);
    for (let count = 0; count < 100; count += 1) {
      const { socket } = await askTunnel(gateway.socketPath, "evil.example.com:443");
      socket.end();
    }
    expect((await post(gateway.socketPath)).status).toBe(200);
    open.socket.destroy();
  });

  test("that is closed ends tunnels, what is on its way, and connections that were refused and kept", async () => {
    const gateway = await start(toStandIn());
    const open = await askTunnel(gateway.socketPath, `${HOST}:443`);
    const refused = await askTunnel(gateway.socketPath, "evil.example.com:443");
    const closed = Promise.all([open, refused].map(({ socket }) => once(socket.resume(), "close")));
    const stuck = sleep(5_000, "stuck", { ref: false });
    expect(await Promise.race([gateway[Symbol.asyncDispose](), stuck])).not.toBe("stuck");
    await closed;
  });

  test("refuses every CONNECT as before when there are no hosts, and keeps answering", async () => {
    await using upstream = await startUpstream((response) => sendStream(response, say("fine"), completed()));
    await using gateway = await startGateway(upstream.url, { egress: toStandIn({ hosts: [] }) });
    for (let count = 0; count < 100; count += 1) {
      const { status, socket } = await askTunnel(gateway.socketPath, `${HOST}:443`);
      expect(status).toBe("HTTP/1.1 403 Forbidden");
      socket.end();
    }
    expect((await post(gateway.socketPath)).status).toBe(200);
  });

  test("without a model serves CONNECT, and answers everything else with 403 in one plain line", async () => {
    const folder = await mkdtemp(join(tmpdir(), "egress-"));
    const socketPath = join(folder, "sock", "model.sock");
    {
      await using _gateway = await openEgressGateway({ socketPath, egress: toStandIn() });
      const asked = await askTunnel(socketPath, `${HOST}:443`);
      expect(await getInside(asked, { host: HOST, ...standIn })).toBe(`hello from ${HOST}`);
      for (const [method, path] of [
        ["POST", "/v1/responses"],
        ["GET", "/"],
        ["GET", `https://${HOST}/`],
      ] as const) {
        const { status, text } = await post(socketPath, undefined, { method, path });
        expect([status, text]).toEqual([
          403,
          "Only CONNECT to a host of this repository's egress list goes through here.\n",
        ]);
      }
    }
    await rm(folder, { recursive: true });
  });
});
