import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fetchPictures } from "../../src/attachment/fetch-pictures.ts";

/** The beginning of a picture with so many pixels in each direction. */
const toPng = (side: number): Buffer => {
  const size = Buffer.alloc(8);
  size.writeUInt32BE(side, 0);
  size.writeUInt32BE(side, 4);
  return Buffer.concat([Buffer.from("89504e470d0a1a0a0000000d49484452", "hex"), size]);
};
const PNG = toPng(10);
const ASSET = "/user-attachments/assets/0f3a8a4e-4b7d-4a6c-9d7e-0123456789ab";
const asset = (end: string): string => `${ASSET.slice(0, -2)}${end}`;

type Answer = { status: number; headers?: Record<string, string>; body?: Buffer; endless?: true };
type Asked = { path: string; authorization: string | undefined };
type Host = { url: string; asked: Asked[]; answers: Record<string, Answer>; stop(): Promise<void> };

async function startHost(): Promise<Host> {
  const asked: Asked[] = [];
  const answers: Record<string, Answer> = {};
  const server = createServer((request, response) => {
    asked.push({ path: request.url ?? "", authorization: request.headers.authorization });
    const answer = answers[request.url ?? ""];
    if (answer === undefined) return;
    response.writeHead(answer.status, answer.headers);
    if (answer.endless) response.write(answer.body);
    else response.end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${port}`, asked, answers, stop };
}

let github: Host;
let other: Host;
beforeEach(async () => {
  signed = {};
  askedFor = [];
  [github, other] = await Promise.all([startHost(), startHost()]);
});
afterEach(async () => {
  await Promise.all([github.stop(), other.stop()]);
});

const limits = { pictureBytes: 1000, allBytes: 1500, pixels: 100, withinMs: 1000 };
let signed: Record<string, string> = {};
let askedFor: string[] = [];
const findSigned = async (addresses: readonly string[]) => {
  askedFor = [...addresses];
  return new Map(Object.entries(signed));
};
const fetchFrom = (...paths: string[]) =>
  fetchPictures(
    paths.map((path) => (path.startsWith("/") ? `${github.url}${path}` : path)),
    {
      webUrl: github.url,
      findSigned,
      readCredential: async () => ({ origin: github.url, authorization: "Bearer TOKEN" }),
      limits,
    },
  );

test("a picture is fetched with the token, also behind a redirect on the same host", async () => {
  const stored = asset("00");
  github.answers[ASSET] = { status: 302, headers: { location: stored } };
  github.answers[stored] = { status: 200, headers: { "content-type": "text/html" }, body: PNG };
  expect(await fetchFrom(ASSET)).toEqual([{ kind: "picture", type: "png", bytes: PNG }]);
  expect(github.asked.map(({ authorization }) => authorization)).toEqual(["Bearer TOKEN", "Bearer TOKEN"]);
});

test("no other host is ever asked: not by an address, and not by a redirect", async () => {
  github.answers[ASSET] = { status: 302, headers: { location: `${other.url}${ASSET}` } };
  const wrong = [
    ASSET,
    `${other.url}${ASSET}`,
    "http://169.254.169.254/latest/meta-data",
    "file:///etc/passwd",
    `http://user@${github.url.slice(7)}${ASSET}`,
    "data:image/png;base64,AAAA",
    `${github.url}@evil.example${ASSET}`,
    "not an address",
  ];
  for (const one of await fetchFrom(...wrong)) expect(one).toMatchObject({ kind: "none", why: /host|kept on this/ });
  expect(other.asked).toEqual([]);
});

test("of GitHub itself nothing is fetched but what was attached", async () => {
  const paths = [
    "/octo-org/hello/raw/main/x.png",
    "/settings",
    `${ASSET}/../../../settings`,
    "/api/v3/user",
    `${ASSET}%2f..`,
  ];
  for (const one of await fetchFrom(...paths))
    expect(one).toMatchObject({ kind: "none", why: "it is not kept on this GitHub" });
  expect(github.asked).toEqual([]);
});

test("what is too large, no picture, refused, or never comes is told with its reason", async () => {
  const path = {
    ...{ large: asset("01"), endless: asset("02"), html: asset("03") },
    ...{ refused: asset("04"), silent: asset("05"), loop: asset("06"), bomb: asset("07") },
  };
  Object.assign(github.answers, {
    [path.large]: { status: 200, body: Buffer.concat([PNG, Buffer.alloc(2000)]) },
    [path.endless]: { status: 200, body: Buffer.concat([PNG, Buffer.alloc(100)]), endless: true },
    [path.html]: { status: 200, headers: { "content-type": "image/png" }, body: Buffer.from("<html>") },
    [path.refused]: { status: 404, body: Buffer.from("Not Found") },
    [path.bomb]: { status: 200, body: toPng(11) },
    [path.loop]: { status: 302, headers: { location: path.loop } },
  });
  expect(await fetchFrom(...Object.values(path))).toEqual(
    [
      "it is too large",
      "it did not come in time",
      "it is not a PNG, JPEG, GIF or WebP picture",
      "GitHub answered 404",
      "it did not come in time",
      "GitHub sent on too often",
      "it has too many pixels",
    ].map((why) => ({ kind: "none", why })),
  );
});

test("what GitHub does not give to an App is fetched by a signed address, without the token and from GitHub's own hosts", async () => {
  const [hidden, login, elsewhere, there] = [asset("20"), asset("21"), asset("22"), asset("23")] as const;
  const ofGitHub = `${github.url}/stored/1?jwt=x`;
  Object.assign(github.answers, {
    [hidden]: { status: 404 },
    [login]: { status: 200, body: Buffer.from("<html>Sign in") },
    [elsewhere]: { status: 404 },
    [there]: { status: 200, body: PNG },
    "/stored/1?jwt=x": { status: 200, body: PNG },
  });
  signed = {
    [`${github.url}${hidden}`]: ofGitHub,
    [`${github.url}${login}`]: ofGitHub,
    [`${github.url}${elsewhere}`]: `${other.url}/stored/1`,
  };
  const fetched = await fetchFrom(hidden, login, elsewhere, there);
  expect(fetched.map(({ kind }) => kind)).toEqual(["picture", "picture", "none", "picture"]);
  expect(askedFor).toEqual([hidden, login, elsewhere].map((path) => `${github.url}${path}`));
  const stored = github.asked.filter(({ path }) => path.startsWith("/stored"));
  expect(stored.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
  expect(other.asked).toEqual([]);
});

test("all pictures together are held to a limit, the first ones first", async () => {
  const paths = ["10", "11", "12"].map(asset);
  for (const path of paths) github.answers[path] = { status: 200, body: Buffer.concat([PNG, Buffer.alloc(700)]) };
  expect((await fetchFrom(...paths)).map(({ kind }) => kind)).toEqual(["picture", "picture", "none"]);
});

test("without a credential what is public is fetched all the same", async () => {
  github.answers[ASSET] = { status: 200, body: PNG };
  const fetched = await fetchPictures([`${github.url}${ASSET}`], {
    webUrl: github.url,
    readCredential: () => Promise.reject(new Error("no token")),
    findSigned: () => Promise.reject(new Error("was asked")),
  });
  expect(fetched[0]?.kind).toBe("picture");
  expect(github.asked).toEqual([{ path: ASSET, authorization: undefined }]);
});
