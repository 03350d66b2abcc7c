import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { RecordError } from "../../../src/trigger/github/record-error.ts";
import { MAX_BODY_BYTES } from "../../../src/trigger/github/webhook-headers.ts";
import { createPayload } from "./comment-payload.ts";
import { send, sign, startGateServer, toHead, toHeaders, type SendOptions } from "./gate-server.ts";

const MIB = 1024 * 1024;
const body = JSON.stringify(createPayload({ body: "/codex CANARY-OF-THE-BODY" }));
const good = toHeaders(body);
const without = (...names: string[]) =>
  Object.fromEntries(Object.entries(good).filter(([name]) => !names.includes(name)));
const signed = (text: string | Buffer, event?: string): SendOptions => ({
  headers: toHeaders(text, event),
  body: text,
});

test("a signed comment passes, with the fields that are used as they were sent", async () => {
  await using gate = await startGateServer();
  const payload = createPayload({ body: "/codex Größe ändern 🎈" });
  const delivery = signed(JSON.stringify(payload));
  expect(await send(gate.port, delivery)).toMatchObject({ status: 200 });
  const [passed] = gate.passed;
  expect(passed).toMatchObject({ id: delivery.headers["x-github-delivery"], event: "issue_comment" });
  expect(payload).toMatchObject(passed?.payload ?? {});
  expect(passed?.payload).toHaveProperty("comment.body", "/codex Größe ändern 🎈");
  expect(JSON.stringify(passed?.payload).length).toBeLessThan(1000);
});

test("any other event passes as it was sent", async () => {
  await using gate = await startGateServer();
  const payload = { zen: "Design for failure.", hook_id: 1 };
  expect(await send(gate.port, signed(JSON.stringify(payload), "ping"))).toMatchObject({ status: 200 });
  expect(gate.passed).toMatchObject([{ event: "ping", payload }]);
});

test.each([
  [503, "that may be delivered again", new AggregateError([new RecordError()])],
  [500, "that is a defect", new TypeError("CANARY")],
])("%i answers a failure behind the gate %s, with nothing of it in the answer", async (status, _title, error) => {
  await using gate = await startGateServer({ handle: () => Promise.reject(error) });
  expect(await send(gate.port, signed(body))).toMatchObject({ status, body: "" });
});

const refused: [title: string, status: number, request: SendOptions][] = [
  ["WH-001: no signature", 401, { headers: without("x-hub-signature-256"), body }],
  ["WH-003: an empty signature", 401, { headers: { ...good, "x-hub-signature-256": "sha256=" }, body }],
  [
    "WH-004: a signature of 63 characters",
    401,
    { headers: { ...good, "x-hub-signature-256": sign(body).slice(0, -1) }, body },
  ],
  [
    "a signature by another secret",
    401,
    { headers: { ...good, "x-hub-signature-256": sign(body, { secret: "x" }) }, body },
  ],
  [
    "WH-006: SHA-1 only",
    401,
    { headers: { ...without("x-hub-signature-256"), "x-hub-signature": sign(body, { algorithm: "sha1" }) }, body },
  ],
  [
    "SHA-1 in the header of SHA-256",
    401,
    { headers: { ...good, "x-hub-signature-256": sign(body, { algorithm: "sha1" }) }, body },
  ],
  [
    "WH-007: two signatures, the second one right",
    401,
    { headers: { ...good, "x-hub-signature-256": [sign(body, { secret: "x" }), sign(body)] }, body },
  ],
  [
    "WH-008: one newline more than was signed",
    401,
    { headers: { ...good, "content-length": Buffer.byteLength(body) + 1 }, body: `${body}\n` },
  ],
  [
    "WH-010: a delivery id that is a path",
    400,
    { headers: { ...good, "x-github-delivery": "../../etc/passwd" }, body },
  ],
  [
    "a signature by another name",
    401,
    { headers: { ...good, "x-hub-signature-256": sign(body).replace("256", "1") }, body },
  ],
  ["a signature with more behind it", 401, { headers: { ...good, "x-hub-signature-256": `${sign(body)}00` }, body }],
  ["no delivery id", 400, { headers: without("x-github-delivery"), body }],
  ["a delivery id of 65 characters", 400, { headers: { ...good, "x-github-delivery": "a".repeat(65) }, body }],
  ["two delivery ids", 400, { headers: { ...good, "x-github-delivery": [randomUUID(), randomUUID()] }, body }],
  ["no event name", 400, { headers: without("x-github-event"), body }],
  ["an event name with other characters", 400, { headers: { ...good, "x-github-event": "../push" }, body }],
  [
    "WH-018: a form",
    415,
    { headers: { ...good, "content-type": "application/x-www-form-urlencoded" }, body: `payload=${body}` },
  ],
  ["no content type", 415, { headers: without("content-type"), body }],
  [
    "a content type that only begins like JSON",
    415,
    { headers: { ...good, "content-type": "application/jsonp" }, body },
  ],
  ["a GET", 405, { headers: without("content-length"), body: "", method: "GET" }],
  ["an empty body", 400, signed("")],
  ["a cut body", 400, signed(body.slice(0, -1))],
  ["bytes that are no UTF-8", 400, signed(Buffer.from('{"a":"\xff"}', "latin1"))],
  ["a byte order mark", 400, signed(`\uFEFF${body}`)],
  ...["[]", "null", "42", '"x"'].map((text): [string, number, SendOptions] => [
    `WB-003: ${text} in place of an object`,
    400,
    signed(text),
  ]),
  [
    "WB-013: a full name that is a path",
    400,
    signed(
      JSON.stringify({ ...createPayload(), repository: { ...createPayload().repository, full_name: "evil/../../x" } }),
    ),
  ],
  ["a comment without an issue", 400, signed(JSON.stringify({ ...createPayload(), issue: undefined }))],
];

test.each(refused)("%s is refused with %i, and nothing of it is logged", async (_title, status, request) => {
  await using gate = await startGateServer();
  expect(await send(gate.port, request)).toMatchObject({ status, body: "" });
  expect(gate.passed).toEqual([]);
  expect(gate.logged).toHaveLength(1);
  expect(Object.keys(JSON.parse(gate.logged[0] ?? "{}")).sort()).toEqual([
    "bytes",
    "hostname",
    "level",
    "msg",
    "pid",
    "reason",
    "status",
    "time",
  ]);
  expect(gate.logged.join("")).not.toMatch(/CANARY|etc.passwd|evil/);
});

test.each([
  ["WH-016: an unknown event", "zzz_unknown", { action: "created" }],
  ["an event with a digit in its name", "projects_v2_item", { action: "created" }],
  ["WH-017: a push with a comment in it", "push", createPayload()],
  ["a ping", "ping", { zen: "Design for failure." }],
  ["an edited comment", "issue_comment", createPayload({ action: "edited" })],
  ["WB-017: a comment of a deleted account", "issue_comment", createPayload({ user: null })],
])("%s passes the gate, for the application to ignore", async (_title, event, payload) => {
  await using gate = await startGateServer();
  expect(await send(gate.port, signed(JSON.stringify(payload), event))).toMatchObject({ status: 200 });
});

test("a delivery that comes twice, even at once, is passed on once", async () => {
  await using gate = await startGateServer();
  const delivery = signed(body);
  const answers = await Promise.all([send(gate.port, delivery), send(gate.port, delivery)]);
  expect([...answers, await send(gate.port, delivery)].map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(gate.passed).toHaveLength(1);
});

test("a delivery that could not be taken is passed on again, and so is another one with its id", async () => {
  let tries = 0;
  await using gate = await startGateServer({
    handle: async () => {
      if (++tries === 1) throw new AggregateError([new RecordError()]);
    },
  });
  const delivery = signed(body);
  const other = JSON.stringify(createPayload({ body: "/codex Something else" }));
  const namesake = { headers: { ...toHeaders(other), "x-github-delivery": delivery.headers["x-github-delivery"] } };
  const statuses: number[] = [];
  for (const one of [delivery, delivery, delivery, { ...namesake, body: other }]) {
    statuses.push((await send(gate.port, one)).status);
  }
  expect([statuses, tries]).toEqual([[503, 200, 200, 200], 3]);
});

test("WH-020: a body one byte over 25 MiB is refused by its announced length, unread", async () => {
  await using gate = await startGateServer();
  const socket = connect(gate.port, "127.0.0.1");
  socket.write(toHead({ ...good, "content-length": MAX_BODY_BYTES + 1 }));
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 413 [^]*connection: close/i);
  socket.destroy();
});

test("WH-020: a sender that goes on with a body that is too large still gets to read the 413", async () => {
  await using gate = await startGateServer();
  const before = process.memoryUsage.rss();
  const large = Buffer.alloc(MAX_BODY_BYTES + 1);
  const answer = await send(gate.port, { headers: { ...good, "content-length": large.length }, body: large });
  expect(answer.status).toBe(413);
  expect(process.memoryUsage.rss() - before).toBeLessThan(64 * MIB);
});

test("WH-021: an endless chunked body is cut at 25 MiB, and other deliveries are answered meanwhile", async () => {
  await using gate = await startGateServer();
  const socket = connect(gate.port, "127.0.0.1");
  const closed = new Promise((resolve) => socket.on("close", resolve));
  const answers: string[] = [];
  socket.on("data", (data: Buffer) => answers.push(data.toString()));
  socket.on("error", () => {});
  socket.write(toHead({ ...without("content-length"), "transfer-encoding": "chunked" }));
  const chunk = Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(0x10000, 0x20), Buffer.from("\r\n")]);
  let sent = 0;
  const pump = (): void => {
    while (!socket.destroyed && sent < 1024 * MIB && socket.write(chunk)) sent += chunk.length;
    sent += chunk.length;
    socket.once("drain", pump);
  };
  pump();
  const meanwhile = await send(gate.port, signed(body));
  expect(meanwhile.status).toBe(200);
  expect(meanwhile.ms).toBeLessThan(1000);
  await closed;
  expect(sent).toBeLessThan(64 * MIB);
  expect(gate.logged.join("")).toContain("too-large");
});

test("a signed body that is longer than any comment's is answered, but goes no further", async () => {
  await using gate = await startGateServer();
  const long = JSON.stringify({ padding: "x".repeat(3 * MIB) });
  expect(await send(gate.port, signed(long))).toMatchObject({ status: 202 });
  const forged = { ...toHeaders(long), "x-hub-signature-256": sign(long, { secret: "x" }) };
  expect(await send(gate.port, { headers: forged, body: long })).toMatchObject({ status: 401 });
  expect(gate.passed).toEqual([]);
});

test("WH-022: a compressed body is refused and never inflated", async () => {
  await using gate = await startGateServer();
  const bomb = gzipSync(Buffer.alloc(64 * MIB));
  const headers = { ...toHeaders(bomb), "content-encoding": "gzip" };
  expect(await send(gate.port, { headers, body: bomb })).toMatchObject({ status: 415 });
});

test("a body that does not arrive in time is given up", async () => {
  await using gate = await startGateServer({ bodyTimeoutMs: 50 });
  const socket = connect(gate.port, "127.0.0.1");
  socket.write(`${toHead(good)}{"action"`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 408 /);
  socket.destroy();
});

test("a sender that goes away in the middle of a body leaves nothing behind", async () => {
  await using gate = await startGateServer();
  const socket = connect(gate.port, "127.0.0.1");
  socket.write(`${toHead(good)}{"action"`);
  await sleep(50);
  socket.destroy();
  await expect.poll(() => gate.logged.join("")).toContain('"cut"');
});

test("dripping bodies that hold all the memory there is are given up for a delivery that comes whole", async () => {
  await using gate = await startGateServer({ budgetBytes: 30_000 });
  const sockets = Array.from({ length: 2 }, () => connect(gate.port, "127.0.0.1").on("error", () => {}));
  for (const socket of sockets) {
    socket.write(toHead({ ...good, "content-length": 50_000 }));
    socket.write(Buffer.alloc(20_000, 0x20));
  }
  await expect.poll(() => gate.logged.join("")).toContain("too-many-bodies");
  expect(await send(gate.port, signed(body))).toMatchObject({ status: 200 });
  for (const socket of sockets) socket.destroy();
});

test("a flood of large unsigned bodies neither grows memory by 64 MiB nor keeps a good delivery waiting", async () => {
  await using gate = await startGateServer();
  const before = process.memoryUsage.rss();
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 5);
  const flood = runFlood({ port: gate.port, count: 60, bytes: 20 * MIB, concurrency: 20 });
  const waitedMs: number[] = [];
  while (flood.exitCode === null) {
    const delivered = await send(gate.port, { headers: toHeaders(body), body });
    expect(delivered.status).toBe(200);
    waitedMs.push(delivered.ms);
    await sleep(20);
  }
  clearInterval(watch);
  expect(Math.max(...waitedMs)).toBeLessThan(1000);
  expect(gate.logged.join("").length).toBeLessThan(MIB);
  expect((peak - before) / MIB).toBeLessThan(96);
}, 60_000);

/** In a process of its own, so that only the server's memory and time are looked at. */
function runFlood({ port, count, bytes, concurrency }: Record<"port" | "count" | "bytes" | "concurrency", number>) {
  const script = fileURLToPath(new URL("flood.ts", import.meta.url));
  return spawn(process.execPath, [script, ...[port, count, bytes, concurrency].map(String)], { stdio: "ignore" });
}
