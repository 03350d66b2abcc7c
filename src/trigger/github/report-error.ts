/**
 * How a run ended could not be told now: GitHub is away for longer than we wait, or asks for more patience. Tell it again
 * later; telling it twice does no harm.
 */
export class ReportError extends Error {
  override readonly name = "ReportError";
  /** How long GitHub itself asks us to wait, in milliseconds; null when it does not say. */
  readonly retryAfterMs: number | null;

  constructor(message: string, { cause, retryAfterMs = null }: { cause?: unknown; retryAfterMs?: number | null } = {}) {
    super(message, { cause });
    this.retryAfterMs = retryAfterMs;
  }
}
