/** What is in the vault: a sealed text, when it was put there (ISO 8601), and how often it was replaced. */
export type VaultEntry = { value: string; updatedAt: string; fence: number };

/** One place for one sealed text that all machines share. It knows nothing of what it keeps. */
export type LoginVault = {
  read(): Promise<VaultEntry | null>;
  /** Puts a text in the place of `over` (null: of nothing), durably. False when somebody else did in between. */
  write(value: string, options: { over: VaultEntry | null }): Promise<boolean>;
  /**
   * Runs `body` while no other process of any machine is in here; `write` inside it does not wait for its end. The lock goes
   * with the process. Rejects when it cannot be got in `waitMs`.
   */
  lock<Result>(body: () => Promise<Result>, options: { waitMs: number }): Promise<Result>;
};
