/** What keeps the set-up from going on. The message says what is wrong and exactly what to do; it is shown as it is. */
export class SetUpError extends Error {
  name = "SetUpError";
}
