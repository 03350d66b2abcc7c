import { type Mutation, toMutations } from "./mutation.ts";

/** Which hosts a command may reach, and through which addresses. */
export const egressMutations: Mutation[] = [
  ...toMutations({ file: "src/gateway/connect-target.ts", tests: ["test/gateway/connect-target.test.ts"] }, [
    ["target-host", "only allowed names", "if (!hosts.includes(host)) {", "if (hosts.length === 0) {"],
    ["target-exact", "only exact names", "!hosts.includes(host)", "!hosts.some((allowed) => host.endsWith(allowed))"],
    ["target-port", "only port 443", `if (port === "443") return`, "return"],
    [
      "target-grammar",
      "only a name and a port",
      "const TARGET = /^([a-z0-9._-]{1,253}?)",
      "const TARGET = /^(?:.*@)?([a-z0-9._-]{1,253}?)",
    ],
  ]),
  ...toMutations({ file: "src/gateway/public-address.ts", tests: ["test/gateway/public-address.test.ts"] }, [
    ["address-range", "no private address", `parsed.range() !== "unicast" || `, ""],
    ["address-special", "no cloud's service", ` || SPECIAL.has(address)`, ""],
    [
      "address-given-out",
      "no IPv6 that nobody has",
      `if (parsed.kind() === "ipv6" &&`,
      `if (parsed.kind() === "none" &&`,
    ],
    ["address-own", "no address of this machine", "return !isOwnAddress(address, { own: listOwn() });", "return true;"],
    ["address-zone", "no zone", ` || address.includes("%")`, ""],
    ["address-written", "only an address as written", "isIP(address) === 0 || ", ""],
  ]),
  ...toMutations({ file: "src/gateway/reach-host.ts", tests: ["test/gateway/egress.test.ts"] }, [
    ["reach-checked", "only checked addresses", "found.filter((address) => isAllowedAddress(address))", "[...found]"],
    ["reach-once", "a name is resolved once", "lookup: (_host, _options, done) => done(null, checked),", ""],
  ]),
  ...toMutations({ file: "src/gateway/tunnels.ts", tests: ["test/gateway/egress.test.ts"] }, [
    [
      "tunnel-target",
      "a refused target is refused",
      `if (target.verdict === "refused") return refuse(target.refusal);`,
      "",
    ],
    ["tunnel-spent", "no tunnel when all is spent", "if (spent !== null) return refuse(spent);", ""],
    [
      "tunnel-at-once",
      "few tunnels at once",
      "if (now.open < limits.tunnelsAtOnce) return null;",
      "if (now.open < Infinity) return null;",
    ],
    ["tunnel-count", "open tunnels count", "    open += 1;\n", ""],
    ["tunnel-sent", "bytes that are sent have a limit", "traffic.sentBytes > limits.sentBytes || ", ""],
    ["tunnel-received", "bytes that come have a limit", " || traffic.receivedBytes > limits.receivedBytes", ""],
    [
      "tunnel-default",
      "by default only public addresses",
      "isAllowedAddress = isPublicAddress,",
      "isAllowedAddress = () => true,",
    ],
  ]),
  ...toMutations({ file: "src/gateway/splice.ts", tests: ["test/gateway/egress.test.ts"] }, [
    ["splice-bytes", "a tunnel is cut at its bytes", "if (traffic[direction] > limits[direction]) cut();", ""],
    ["splice-idle", "an idle tunnel is cut", "setTimeout(cut, limits.idleMs)", "setTimeout(() => {}, limits.idleMs)"],
    [
      "splice-lifetime",
      "a tunnel ends",
      "setTimeout(cut, limits.lifetimeMs)",
      "setTimeout(() => {}, limits.lifetimeMs)",
    ],
  ]),
  ...toMutations(
    { file: "src/gateway/gateway.ts", tests: ["test/gateway/gateway.test.ts", "test/gateway/egress.test.ts"] },
    [
      [
        "gateway-no-hosts",
        "CONNECT is refused without hosts",
        "return egress === undefined || egress.hosts.length === 0\n",
        "return egress === undefined\n",
      ],
      [
        "gateway-upgrade",
        "no websocket",
        "socket.end(UPGRADE_REFUSED)",
        `socket.end("HTTP/1.1 101 Switching Protocols\\r\\n\\r\\n")`,
      ],
      ["gateway-memory", "bodies share a memory", "createByteBudget(4 * MAX_BODY_BYTES)", "createByteBudget(Infinity)"],
    ],
  ),
  ...toMutations({ file: "src/gateway/egress-gateway.ts", tests: ["test/gateway/egress.test.ts"] }, [
    ["egress-no-model", "no model for commands of a repository", "sendPlain(response, NO_MODEL)", "response.end()"],
  ]),
  ...toMutations(
    {
      file: "src/gateway/send-with-key.ts",
      tests: ["test/gateway/key-in-answer.test.ts", "test/gateway/login.test.ts"],
    },
    [
      [
        "key-masked",
        "the key is masked",
        '    mask.add(Object.values(key).flatMap((value) => [value, value.replace(/^\\w+ /, "")]));\n',
        "",
      ],
      ["key-resends", "a refused key is sent a few times", "resends === MAX_RESENDS", "resends === Infinity"],
    ],
  ),
  ...toMutations(
    {
      file: "src/gateway/listen.ts",
      tests: ["test/gateway/connections.test.ts", "test/gateway/egress.test.ts", "test/gateway/gateway.test.ts"],
    },
    [
      ["listen-cut", "closing cuts what is open", "      for (const socket of connections) socket.destroy();\n", ""],
      ["listen-remove", "the socket goes", "      await rm(socketPath, { force: true });\n", ""],
      ["listen-connections", "connections have a limit", "server.maxConnections = MAX_CONNECTIONS;", ""],
    ],
  ),
];
