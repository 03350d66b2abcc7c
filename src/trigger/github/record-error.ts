/**
 * A delivery could not be put on disk, so it must not count as delivered. Probot answers with the status of an error
 * and its message; the message says nothing of the payload.
 */
export class RecordError extends Error {
  override readonly name = "RecordError";
  readonly status = 503;

  constructor() {
    super("The delivery could not be recorded; deliver it again.");
  }
}
