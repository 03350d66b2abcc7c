/** One pkt-line of git's protocol: four hexadecimal digits of length, then the content. */
export function toPktLine(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, "0")), bytes]);
}

/** Ends a section. */
export const FLUSH = Buffer.from("0000");

/** One reference that a push wants to move; `0000…` stands for "not there". */
export type RefUpdate = { ref: string; oldSha: string; newSha: string };

/** What stands before the pack in the body of a push. */
export type PushCommands = { updates: RefUpdate[]; capabilities: string[]; packAt: number };

/** Reads the commands of a `git-receive-pack` request. A body without any (git's probe) gives no updates. */
export function readPushCommands(body: Buffer): PushCommands {
  const updates: RefUpdate[] = [];
  let capabilities: string[] = [];
  let at = 0;
  while (at + 4 <= body.length) {
    const length = Number.parseInt(body.toString("latin1", at, at + 4), 16);
    if (length < 4 || Number.isNaN(length)) return { updates, capabilities, packAt: at + 4 };
    const [command = "", offered = ""] = body
      .toString("utf8", at + 4, at + length)
      .replace(/\n$/, "")
      .split("\0");
    if (offered !== "") capabilities = offered.trim().split(" ");
    const [oldSha = "", newSha = "", ref = ""] = command.split(" ");
    updates.push({ oldSha, newSha, ref });
    at += length;
  }
  return { updates, capabilities, packAt: at };
}

/** A refused push as the server words it: lines that git shows as `remote: …`, and the reason for each reference. */
export type PushRefusal = { lines: string[]; reason: string };

/** The answer of `git-receive-pack` that refuses every update. */
export function toRefusalBody({ updates, capabilities }: PushCommands, refusal: PushRefusal): Buffer {
  const report = Buffer.concat([
    toPktLine("unpack ok\n"),
    ...updates.map(({ ref }) => toPktLine(`ng ${ref} ${refusal.reason}\n`)),
    FLUSH,
  ]);
  if (!capabilities.includes("side-band-64k")) return report;
  const progress = refusal.lines.map((line) => toPktLine(`\u0002${line}\n`));
  return Buffer.concat([...progress, toPktLine(Buffer.concat([Buffer.from("\u0001"), report])), FLUSH]);
}
