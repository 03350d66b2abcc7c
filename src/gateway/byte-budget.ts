/** Memory that several holders share. */
export type ByteBudget = { hold(): HeldBytes };

/** What one holder took; given back when it is disposed. */
export type HeldBytes = Disposable & {
  /** Takes more, or takes nothing and says false when the budget has not so much left. */
  take(bytes: number): boolean;
  /** Gives everything back before that. */
  release(): void;
};

/** Makes a budget of so many bytes. */
export function createByteBudget(maxBytes: number): ByteBudget {
  let left = maxBytes;
  return {
    hold() {
      let held = 0;
      const release = (): void => {
        left += held;
        held = 0;
      };
      return {
        take(bytes) {
          if (bytes > left) return false;
          left -= bytes;
          held += bytes;
          return true;
        },
        release,
        [Symbol.dispose]: release,
      };
    },
  };
}
