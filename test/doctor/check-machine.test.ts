import { describe, expect, test } from "vitest";
import type { EngineInfo } from "../../src/container/engine.ts";
import { judgeSpace } from "../../src/doctor/check-disk.ts";
import { judgeEngine } from "../../src/doctor/check-docker.ts";
import { checkGit, judgeGitVersion } from "../../src/doctor/check-git.ts";
import { judgeIsolation } from "../../src/doctor/check-isolation.ts";
import { judgeImage } from "../../src/doctor/check-image.ts";
import { checkNode } from "../../src/doctor/check-node.ts";
import { listKnownHoles } from "../../src/doctor/known-holes.ts";

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
    time: new Date(),
    memoryBytes: 16 * 1024 ** 3,
    securityOptions: ["seccomp"],
    componentVersions: { containerd: "1.7.29", runc: "1.3.3" },
  };
  const limits = { memoryBytes: 4 * 1024 ** 3, cpus: 2, pids: 512, diskBytes: 1024 ** 3 };
  const options = { runtime: null, limits, concurrency: { total: 4, perRepository: 2, maxQueued: 100 } };

  test("that is new enough passes", () => {
    expect(judgeEngine(info, options)).toEqual({ verdict: "passed", detail: "Docker 27.5.1 on Debian (amd64)" });
  });

  test("older than 20.10 fails", () => {
    expect(judgeEngine({ ...info, version: "19.03.15" }, options).verdict).toBe("failed");
  });

  test("without the runtime that is wanted fails", () => {
    const finding = judgeEngine(info, { ...options, runtime: "runsc" });
    expect(finding).toMatchObject({ verdict: "failed", mend: expect.stringContaining("RUN_RUNTIME") });
  });

  test("whose clock is not ours fails", () => {
    const finding = judgeEngine({ ...info, time: new Date(Date.now() - 90_000) }, options);
    expect(finding).toMatchObject({ verdict: "failed", detail: expect.stringMatching(/differ by 90 s/) });
    expect(judgeEngine({ ...info, time: new Date(Date.now() - 30_000) }, options).verdict).toBe("passed");
  });

  test("with less memory than all runs at once may want passes with a note", () => {
    const finding = judgeEngine({ ...info, memoryBytes: 8 * 1024 ** 3 }, options);
    expect(finding.verdict).toBe("passed");
    expect(finding.detail).toMatch(/4 runs at once may want 16\.0 GiB .* has 8\.0 GiB: lower RUN_MEMORY/);
  });

  test("that filters system calls passes, one that does not fails, and one that tells nothing passes", () => {
    expect(judgeIsolation(info).detail).toBe("system calls are filtered (seccomp); no AppArmor or SELinux");
    const open = judgeIsolation({ ...info, securityOptions: ["seccomp:unconfined", "apparmor"] });
    expect(open).toMatchObject({ verdict: "failed", mend: expect.stringContaining("seccomp-profile") });
    expect(judgeIsolation({ ...info, securityOptions: [] }).verdict).toBe("passed");
  });

  test.each([
    ["docker", "20.10.24+dfsg1"],
    ["docker", "23.0.10"],
    ["docker", "24.0.9"],
    ["docker", "25.0.4"],
    ["containerd", "1.5.9"],
    ["containerd", "1.6.0"],
    ["runc", "1.1.11"],
    ["runc", "1.1.15"],
    ["runc", "1.2.7"],
    ["runc", "1.3.2"],
  ])("with the %s %s passes with a word on its known holes", (program, version) => {
    const { componentVersions } = info;
    const old =
      program === "docker" ? { version } : { componentVersions: { ...componentVersions, [program]: version } };
    const { verdict, detail } = judgeIsolation({ ...info, ...old });
    expect(verdict).toBe("passed");
    expect(detail).toMatch(
      new RegExp(`; ${program} ${version.replaceAll(/[.+]/g, ".")} is older than .*CVE-.*; upgrade`),
    );
  });

  test.each(["23.0.11", "25.0.5", "26.0.0", "28.2.2"])("of version %s has none", (version) => {
    expect(listKnownHoles({ ...info, version })).toEqual([]);
  });

  test.each([[{ containerd: "1.6.1", runc: "1.2.8" }], [{ containerd: "v2.1.4", runc: "1.4.0" }], [{}]])(
    "made of %o has none",
    (componentVersions) => {
      expect(listKnownHoles({ ...info, componentVersions })).toEqual([]);
    },
  );
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

  test.each(["codex-runner:latest", "codex-runner", "registry.example:5000/codex-runner:1"])(
    "CF-002: named by the tag %s passes with a word on how to keep to this very image",
    (tag) => {
      const { detail } = judgeImage(view, { image: tag });
      expect(detail).toMatch(new RegExp(`\\(amd64\\).*a tag can be moved.*CODEX_IMAGE=${view.id}`));
    },
  );

  test.each([`sha256:${"a".repeat(64)}`, `codex-runner@sha256:${"a".repeat(64)}`])(
    "CF-002: named by the digest %s passes without it",
    (digest) => expect(judgeImage(view, { image: digest }).detail).not.toContain("tag"),
  );

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
  const detail = "/srv/runs can be written, 100.0 GiB are free";
  const ext4 = 0xef_53;
  const space = {
    type: ext4,
    blocks: 100 * 1024 ** 2,
    bsize: 4096,
    bavail: 25 * 1024 ** 2,
    files: 1_000_000,
    ffree: 900_000,
  };

  test("with room passes", () => {
    expect(judgeSpace(space, options)).toEqual({ verdict: "passed", detail });
  });

  test("with less than a run may use passes with a note", () => {
    const finding = judgeSpace({ ...space, bavail: 2 * 1024 ** 2 }, options);
    expect(finding).toMatchObject({ verdict: "passed", detail: expect.stringContaining("RUN_DISK") });
  });

  test.each([
    ["an overlay", 0x79_4c_76_30],
    ["NFS", 0x69_69],
    ["FUSE or virtiofs", 0x65_73_55_46],
  ])("whose file system is %s passes with what becomes of set-ups there", (name, type) => {
    const { verdict, detail: said } = judgeSpace({ ...space, type }, options);
    const note = `its file system is ${name}, where what \`setup\` makes cannot be kept for later runs: each one sets up anew`;
    expect([verdict, said]).toEqual(["passed", `${detail}; ${note}`]);
  });

  test("with less than the reserve fails", () => {
    const finding = judgeSpace({ ...space, bavail: 1000 }, options);
    expect(finding).toMatchObject({ verdict: "failed", mend: expect.stringContaining("RUNS_PATH") });
    expect(finding.detail).toBe(
      "no run begins: only 3.9 MiB are free on the disk of RUNS_PATH, and 5.0 GiB are kept in reserve",
    );
  });

  test("without room for more files fails, unless it does not count them", () => {
    expect(judgeSpace({ ...space, ffree: 12 }, options).verdict).toBe("failed");
    expect(judgeSpace({ ...space, files: 0, ffree: 0 }, options).verdict).toBe("passed");
  });
});
