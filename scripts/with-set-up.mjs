// `node scripts/with-set-up.mjs <command> [arguments]`: makes the clone ready for a command of commands.mjs, then runs it
// with a Node that is new enough.

import { dirname, delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { commands } from "./commands.mjs";
import { runInForeground } from "./run-in-foreground.mjs";
import { SetUpError } from "./set-up-error.mjs";
import { setUp } from "./set-up.mjs";

const [name = "set-up", ...rest] = process.argv.slice(2);
const command = commands[name];
const root = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  if (command === undefined)
    throw new SetUpError(`no command "${name}"; there are ${Object.keys(commands).join(", ")}`);
  process.chdir(root);
  const node = await setUp(command);
  const path = [join(root, "node_modules", ".bin"), dirname(node), process.env.PATH].join(delimiter);
  if (command.argv.length > 0) {
    process.exitCode = await runInForeground([node, ...command.argv, ...rest], { env: { ...process.env, PATH: path } });
  }
} catch (error) {
  if (!(error instanceof SetUpError)) throw error;
  process.stderr.write(`set-up: ${error.message}\n`);
  process.exitCode = 1;
}
