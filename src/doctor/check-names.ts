/** The steps that are proved, in the order of the report, and how. */
export const checkProofs = {
  node: "This Node is one that the product is made for.",
  docker: "The engine answers, is new enough, has `RUN_RUNTIME`, and its clock is ours.",
  isolation: "The engine filters system calls (seccomp). Known holes of old engines are named.",
  image: "The runner image is there, was made by `image build`, and its Codex is new enough.",
  "allowed-images": "Every image that `ALLOWED_IMAGES` names in full is there.",
  "container-profile":
    "A container is made with the profile of a run, compared with what was wanted, started and removed.",
  codex: "Codex's own `codex doctor --json`, inside the image, finds its parts.",
  gateway: "Codex, in a container, reaches a stand-in model through the gateway's socket, and nothing else.",
  model: "The model API takes the key (or the ChatGPT login can be used). Costs no tokens.",
  clock: "This machine's clock agrees with GitHub's, or else with the model API's.",
  git: "git is there and new enough.",
  github:
    "GitHub takes a token signed with the App's key, and the App has what `app.yml` asks for; or it takes `GITHUB_TOKEN`.",
  installations: "A token is minted for an installation, and every installation has granted what the App asks for.",
  "webhook-secret":
    "`WEBHOOK_SECRET` is set. A server that runs here takes a ping signed with it, and refuses a forged one.",
  "webhook-url": "GitHub sends webhooks to `PUBLIC_URL`, and the last of them was taken.",
  files: "Nobody else on this machine can read the files with secrets.",
  disk: "`RUNS_PATH` can be written, and its disk (and Docker's) has room; says where set-ups cannot be kept.",
  database: "The database can be opened and written, is whole, and was not written by a newer version.",
} as const;

export type CheckName = keyof typeof checkProofs;

/** The names in the order of the report. */
export const checkNames = Object.keys(checkProofs).filter((name): name is CheckName => name in checkProofs);

/** The checks as a table, for the documentation. */
export function toChecksTable(): string {
  const rows = Object.entries(checkProofs).map(([name, proof]) => `| \`${name}\` | ${proof} |`);
  return ["| Check | What it proves |", "| --- | --- |", ...rows].join("\n");
}
