import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { pack } from "tar-stream";
import type { ImageEngine } from "../../src/container/engine.ts";
import { image as runner } from "../container/container-fixture.ts";

type TarEntry = { name: string; text?: string | Buffer; mode?: number; linkname?: string };

/** A tar of these files. */
export function toTar(entries: TarEntry[]): Readable {
  const tar = pack();
  for (const { name, text, mode = 0o644, linkname } of entries) {
    if (linkname === undefined) tar.entry({ name, mode }, text ?? "");
    else tar.entry({ name, type: "symlink", linkname });
  }
  tar.finalize();
  return Readable.from(tar);
}

/** Whatever an image may declare that a run must not heed. */
const HOSTILE = [
  "ENV LD_PRELOAD=/evil.so BASH_ENV=/evil.sh ENV=/evil.sh NODE_OPTIONS=--require=/evil.js GIT_DIR=/evil",
  "ENV NPM_TOKEN=image-secret HTTPS_PROXY=http://evil.invalid PLAIN=kept PATH=/opt/tool/bin:/usr/bin:/bin",
  `VOLUME ["/data", "/tmp"]`,
  "USER 0:0",
  "WORKDIR /root",
  `ENTRYPOINT ["/evil"]`,
  `CMD ["evil"]`,
];
const HEALTHCHECK = "HEALTHCHECK --interval=1s CMD touch /workspace/CHECKED";

/** The runner image under another name, and with an id of its own. */
export async function makeRunnerImage(engine: ImageEngine, { image }: { image: string }): Promise<void> {
  await engine.buildImage(toTar([{ name: "Dockerfile", text: `FROM ${runner}\nLABEL copy=${image}\n` }]), {
    ...{ image, network: "none", buildArgs: {}, labels: {} },
  });
}

/** A stock Debian, as somebody may have it: bash, but no Node, no git, and nothing of ours. */
export async function makeDebianImage(engine: ImageEngine, { image }: { image: string }): Promise<void> {
  const gone = [
    "/opt/codex-runner /codex /workspace /in /run/model /home/run /usr/local/bin /usr/local/lib/node_modules",
    "/usr/bin/git* /usr/lib/git-core /usr/bin/socat* /usr/bin/rg /usr/bin/ps /usr/share/git-core",
  ];
  const dockerfile = [
    `FROM ${runner}`,
    "USER 0:0",
    `RUN rm -rf ${gone.join(" ")}; mkdir -p /opt/tool/bin /usr/local/bin; ` +
      "printf '#!/bin/sh\\necho TOOL-OF-THE-IMAGE\\n' >/opt/tool/bin/tool; chmod 0755 /opt/tool/bin/tool",
    ...HOSTILE,
    HEALTHCHECK,
  ];
  await engine.buildImage(toTar([{ name: "Dockerfile", text: `${dockerfile.join("\n")}\n` }]), {
    ...{ image, network: "none", buildArgs: {}, labels: {} },
  });
}

/** Files alone: nothing in it can be run. */
export async function makeShellLessImage(engine: ImageEngine, { image }: { image: string }): Promise<void> {
  await engine.importImage(toTar([{ name: "etc/hostname", text: "nothing\n" }]), { image, changes: [] });
}

/** One static program that is a shell and what a shell needs, without any library: no glibc, no bash, no /etc, no /tmp. */
export async function makeBusyboxImage(engine: ImageEngine, { image }: { image: string }): Promise<void> {
  const busybox = readFileSync("/bin/busybox");
  const applets = execFileSync("/bin/busybox", ["--list"], { encoding: "utf8" }).trim().split("\n");
  const links = applets
    .filter((name) => name !== "busybox")
    .map((name) => ({ name: `bin/${name}`, linkname: "busybox" }));
  const tool = { name: "opt/tool/bin/tool", mode: 0o755, text: "#!/bin/sh\necho TOOL-OF-THE-IMAGE\n" };
  await engine.importImage(toTar([{ name: "bin/busybox", mode: 0o755, text: busybox }, ...links, tool]), {
    ...{ image, changes: HOSTILE },
  });
}
