import { Writable } from "node:stream";
import { pino, type Logger as PinoLogger } from "pino";
import type { Mask } from "./masking/mask.ts";

/** Structured log of events: a static message in the past tense, plus fields. */
export type Logger = PinoLogger;

export type LoggerOptions = { level: string; mask: Mask; destination?: NodeJS.WritableStream };

/** Makes the process's logger. It writes JSON lines to stderr, with every known secret masked in the finished line. */
export function createLogger({ level, mask, destination = process.stderr }: LoggerOptions): Logger {
  const masked = new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      destination.write(mask.text(line));
      done();
    },
  });
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, masked);
}
