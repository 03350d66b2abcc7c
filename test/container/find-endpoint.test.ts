import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findEndpoint } from "../../src/container/find-endpoint.ts";

let dockerConfigPath = "";

beforeEach(() => {
  dockerConfigPath = mkdtempSync(join(tmpdir(), "docker-config-"));
});

afterEach(() => {
  rmSync(dockerConfigPath, { recursive: true });
});

function makeContext(name: string, host: string): string {
  const folder = createHash("sha256").update(name).digest("hex");
  const metaPath = join(dockerConfigPath, "contexts/meta", folder);
  mkdirSync(metaPath, { recursive: true });
  writeFileSync(join(metaPath, "meta.json"), JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }));
  return folder;
}

function makeCertificates(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of ["ca", "cert", "key"]) writeFileSync(join(folder, `${name}.pem`), name);
}

describe("finding the engine as the docker command does", () => {
  test("without any setting it is the usual socket", () => {
    expect(findEndpoint({ dockerConfigPath })).toEqual({ kind: "socket", socketPath: "/var/run/docker.sock" });
  });

  test.each([
    ["unix:///run/user/1000/docker.sock", { kind: "socket", socketPath: "/run/user/1000/docker.sock" }],
    ["unix://", { kind: "socket", socketPath: "/var/run/docker.sock" }],
    ["tcp://10.0.0.5:4444", { kind: "tcp", host: "10.0.0.5", port: 4444, tls: null }],
    ["tcp://engine", { kind: "tcp", host: "engine", port: 2375, tls: null }],
  ])("DOCKER_HOST=%s", (dockerHost, endpoint) => {
    expect(findEndpoint({ dockerHost, dockerConfigPath })).toEqual(endpoint);
  });

  test.each(["ssh://me@elsewhere", "npipe:////./pipe/docker", "nonsense"])(
    "an address that cannot be used is refused with what to do: %s",
    (dockerHost) => {
      expect(() => findEndpoint({ dockerHost, dockerConfigPath })).toThrow(
        expect.objectContaining({ failure: expect.objectContaining({ reason: "docker-unavailable" }) }),
      );
    },
  );

  test("the current context of the docker command is used, and DOCKER_HOST wins over it", () => {
    makeContext("lab", "unix:///lab.sock");
    writeFileSync(join(dockerConfigPath, "config.json"), JSON.stringify({ currentContext: "lab" }));
    expect(findEndpoint({ dockerConfigPath })).toEqual({ kind: "socket", socketPath: "/lab.sock" });
    expect(findEndpoint({ dockerConfigPath, dockerHost: "unix:///own.sock" })).toMatchObject({
      socketPath: "/own.sock",
    });
  });

  test("DOCKER_CONTEXT wins over the current one; `default` means no context", () => {
    makeContext("lab", "unix:///lab.sock");
    makeContext("other", "unix:///other.sock");
    writeFileSync(join(dockerConfigPath, "config.json"), JSON.stringify({ currentContext: "lab" }));
    expect(findEndpoint({ dockerConfigPath, dockerContext: "other" })).toMatchObject({ socketPath: "/other.sock" });
    expect(findEndpoint({ dockerConfigPath, dockerContext: "default" })).toMatchObject({
      socketPath: "/var/run/docker.sock",
    });
  });

  test("a context that does not exist is named", () => {
    expect(() => findEndpoint({ dockerConfigPath, dockerContext: "gone" })).toThrow(/context gone does not exist/);
  });

  test("TLS files come from the certificate folder, or from the context", () => {
    makeCertificates(join(dockerConfigPath, "certs"));
    const named = { dockerConfigPath, dockerCertPath: join(dockerConfigPath, "certs"), dockerTlsVerify: "1" };
    const tls = { ca: Buffer.from("ca"), cert: Buffer.from("cert"), key: Buffer.from("key") };
    expect(findEndpoint({ ...named, dockerHost: "tcp://engine" })).toEqual({
      kind: "tcp",
      host: "engine",
      port: 2376,
      tls,
    });

    const folder = makeContext("lab", "tcp://lab:2376");
    makeCertificates(join(dockerConfigPath, "contexts/tls", folder, "docker"));
    expect(findEndpoint({ dockerConfigPath, dockerContext: "lab" })).toEqual({
      kind: "tcp",
      host: "lab",
      port: 2376,
      tls,
    });
  });

  test("missing certificates and a broken config.json are refused in words", () => {
    const dockerHost = "tcp://engine";
    expect(() => findEndpoint({ dockerConfigPath, dockerHost, dockerTlsVerify: "1" })).toThrow(/certificates/);
    writeFileSync(join(dockerConfigPath, "config.json"), "{");
    expect(() => findEndpoint({ dockerConfigPath })).toThrow(/config\.json could not be read/);
  });
});
