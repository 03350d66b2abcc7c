import { describe, expect, test } from "vitest";
import type { EngineInfo } from "../../src/container/engine.ts";
import { judgeSpace } from "../../src/doctor/check-disk.ts";
import { judgeEngine } from "../../src/doctor/check-docker.ts";
import { checkGit, judgeGitVersion } from "../../src/doctor/check-git.ts";
import { judgeImage } from "../../src/doctor/check-image.ts";
import { checkNode } from "../../src/doctor/check-node.ts";
import { checkWebhookSecret } from "../../src/doctor/check-webhook-secret.ts";

describe("Node", () => {
  test("of this process is new enough", () => {
    expect(checkNode()).toMatchObject({ verdict: "passed" });
  });

  test.each(["20.19.0", "9.0.0", "23.11.1"])("%s is too old", (version) => {
    expect(checkNode(version)).toMatchObject({ verdict: "failed", mend: expect.stringContaining("Node 24") });
  });

  test.each(["24.0.0", "26.10.0", "100.0.0"])("%s is new enough", (version) => {
    expect(checkNode(version).verdict).toBe("passed");
  });
});

describe("git", () => {
  test("of this machine is found", async () => {
    const finding = await checkGit({ signal: new AbortController().signal });
    expect(finding).toMatchObject({ verdict: "passed", detail: expect.stringMatching(/^git version \d/) });
  });

  test.each([
    ["git version 2.30.0", "passed"],
    ["git version 2.39.5 (Apple Git-154)", "passed"],
    ["git version 3.0", "passed"],
    ["git version 2.29.9", "failed"],
    ["git version 1.99.0", "failed"],
    ["", "failed"],
  ])("%j has %s", (text, verdict) => {
    expect(judgeGitVersion(text).verdict).toBe(verdict);
  });
});

describe("the engine", () => {
  const info: EngineInfo = {
    version: "27.5.1",
    builtAt: null,
    operatingSystem: "Debian",
    architecture: "amd64",
    defaultRuntime: "runc",
    runtimes: ["runc"],
    cgroupVersion: "2",
    rootFolder: "/var/lib/docker",
  };

  test.each(["20.10.24+dfsg1", "23.0.10", "24.0.9", "25.0.4"])("%s passes with a warning about its age", (version) => {
    const finding = judgeEngine({ ...info, version }, { runtime: null });
    expect(finding).toMatchObject({ verdict: "passed", detail: expect.stringContaining("older than 23.0.11") });
  });

  test.each(["23.0.11", "25.0.5", "26.0.0", "28.2.2"])("%s passes without one", (version) => {
    const finding = judgeEngine({ ...info, version }, { runtime: null });
    expect(finding).toEqual({ verdict: "passed", detail: `Docker ${version} on Debian (amd64)` });
  });

  test("older than 20.10 fails", () => {
    expect(judgeEngine({ ...info, version: "19.03.15" }, { runtime: null }).verdict).toBe("failed");
  });

  test("without the runtime that is wanted fails", () => {
    const finding = judgeEngine(info, { runtime: "runsc" });
    expect(finding).toMatchObject({ verdict: "failed", mend: expect.stringContaining("RUN_RUNTIME") });
  });
});

describe("the image", () => {
  const image = "codex-runner:latest";
  const view = { id: "sha256:1", codexVersion: "0.169.0", architecture: "amd64", labels: {} };

  test("passes with its Codex version", () => {
    expect(judgeImage(view, { image })).toMatchObject({
      verdict: "passed",
      detail: expect.stringContaining("0.169.0"),
    });
  });

  test.each([
    ["is missing", null],
    ["was not made by our Dockerfile", { ...view, codexVersion: null }],
    ["holds a Codex that is too old", { ...view, codexVersion: "0.168.9" }],
  ])("that %s is mended by `image build`", (_, found) => {
    expect(judgeImage(found, { image })).toMatchObject({
      verdict: "failed",
      detail: expect.stringContaining(image),
      mend: expect.stringContaining("codex-orchestrator image build"),
    });
  });
});

describe("the disk", () => {
  const options = { runs: "/srv/runs", diskBytes: 10 * 1024 ** 3 };
  const space = { bsize: 4096, bavail: 25 * 1024 ** 2, files: 1_000_000, ffree: 900_000 };

  test("with room passes", () => {
    const detail = "/srv/runs can be written, 100 GiB are free";
    expect(judgeSpace(space, options)).toEqual({ verdict: "passed", detail });
  });

  test("with less than a run may use passes with a note", () => {
    const finding = judgeSpace({ ...space, bavail: 2 * 1024 ** 2 }, options);
    expect(finding).toMatchObject({ verdict: "passed", detail: expect.stringContaining("RUN_DISK") });
  });

  test("with less than the reserve fails", () => {
    const finding = judgeSpace({ ...space, bavail: 1000 }, options);
    expect(finding).toMatchObject({ verdict: "failed", mend: expect.stringContaining("RUNS_PATH") });
  });

  test("without room for more files fails, unless it does not count them", () => {
    expect(judgeSpace({ ...space, ffree: 12 }, options).verdict).toBe("failed");
    expect(judgeSpace({ ...space, files: 0, ffree: 0 }, options).verdict).toBe("passed");
  });
});

describe("the webhook secret", () => {
  const github = { webUrl: "https://github.com", apiUrl: "https://api.github.com", token: null };
  const check = (webhookSecret: string | null) =>
    checkWebhookSecret({ ...github, app: { appId: 1, privateKey: "", webhookSecret } });

  test("is not needed without an App", () => {
    expect(checkWebhookSecret({ ...github, app: null }).verdict).toBe("passed");
  });

  test.each([null, "", "short"])("%j fails", (secret) => {
    expect(check(secret)).toMatchObject({ verdict: "failed", mend: expect.stringContaining("WEBHOOK_SECRET") });
  });

  test("that is long is never shown", () => {
    const secret = "0123456789abcdef0123456789abcdef";
    expect(check(secret)).toEqual({ verdict: "passed", detail: "WEBHOOK_SECRET is set" });
  });
});
