import type { StoredLogin, ChatGptLogin } from "./stored-login.ts";

/** A login in the hands of the only process that may renew it now. */
export type HeldLogin = {
  /** What was kept when the lock was got; null when nothing was. */
  login: StoredLogin | null;
  /** Whether a refresh of this very login was begun before, and its answer never saved. */
  wasCut: boolean;
  /** Looks again: others than us may write to the place too. */
  look(): Promise<StoredLogin | null>;
  /** Notes that a refresh begins. Rejects with `model-auth` when its answer could not be saved. */
  begin(login: ChatGptLogin): Promise<void>;
  /** Notes that the refresh came to nothing: the login is as good or bad as before. */
  forget(): Promise<void>;
  /**
   * Keeps what the refresh gave; it is safe on disk when this resolves. Gives what is kept from now on, which is somebody
   * else's login, or none, when that came in between.
   */
  save(text: string): Promise<StoredLogin | null>;
};

/** Where a login is kept. */
export type LoginKeeper = {
  /** What is kept now; null when nothing is. Rejects with `model-auth` when it cannot be used, with the reason. */
  read(): Promise<StoredLogin | null>;
  /** Runs `body` while nobody else, in any process that shares the place, is in here. */
  hold<Result>(body: (held: HeldLogin) => Promise<Result>): Promise<Result>;
};
