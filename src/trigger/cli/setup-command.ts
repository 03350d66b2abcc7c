import type { Command } from "commander";
import { UsageError } from "./product.ts";

/** What `setup` was told on the command line. */
export type SetupFlags = {
  /** Whose App it becomes. */
  org?: string;
  /** Where GitHub reaches this server. */
  url?: string;
  port?: number;
  /** File that the private key goes to; else it stands in the `.env`. */
  keyFile?: string;
  /** Whether the page may be opened at once. */
  browser: boolean;
  smee: boolean;
  /** Whether an App that is set up already may be replaced. */
  force: boolean;
};

export type AddSetupOptions = { runSetup: (flags: SetupFlags) => Promise<void> };

/** Adds `setup` to the program. */
export function addSetup(program: Command, { runSetup }: AddSetupOptions): void {
  program
    .command("setup")
    .description(
      "Make the GitHub App in the browser and write its credentials to .env (mode 0600). Exit code: 0 made, 1 refused, 2 bad usage, 4 nobody came, 5 stopped.",
    )
    .option("--org <name>", "the organisation whose App it becomes (default: you)", toOrganisation)
    .option("--url <url>", "where GitHub reaches this server (default: PUBLIC_URL, else the page asks)")
    .option("--smee", "let smee.io pass the webhooks on, for trying things out without a public URL", false)
    .option("--key-file <file>", "keep the private key in a file of its own, mode 0600 (default: in .env)", toKeyFile)
    .option("--port <number>", "port of the page, on 127.0.0.1 (default: any free one)", toPort)
    .option("--no-browser", "only print the page's address")
    .option("--force", "put the new App in the place of one that the .env names", false)
    .action((flags: SetupFlags) => runSetup(flags));
}

function toOrganisation(text: string): string {
  if (/^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,38})$/.test(text)) return text;
  throw new UsageError("--org must be the login of an organisation, such as octo-org.");
}

function toKeyFile(text: string): string {
  if (/^[\w./@+-]{1,500}$/.test(text) && !text.endsWith("/")) return text;
  throw new UsageError("--key-file must be the path of a file, in plain letters.");
}

function toPort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new UsageError("--port must be a whole number from 0 to 65535.");
}
