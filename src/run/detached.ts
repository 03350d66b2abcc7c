/**
 * Thrown where a run is let go of without being ended: the process stops, or another one has taken the run over. What
 * the run has on the engine and on disk stays as it is, for whoever goes on with it.
 */
export class DetachedError extends Error {
  override readonly name = "DetachedError";

  constructor(message = "The run was left to another process.") {
    super(message);
  }
}
