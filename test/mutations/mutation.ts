/** One control, loosened in the source: some test must notice. */
export type Mutation = {
  /** Kebab-case, begins with the room: what `--only` takes. */
  id: string;
  /** The control that is gone with it, as a fact that no longer holds. */
  loosens: string;
  /** The source file, from the root of the clone. */
  file: string;
  /** What stands there, exactly once. */
  text: string;
  becomes: string;
  /** Test files, from the root of the clone, of which at least one must turn red. */
  tests: string[];
};

/** Id, what is loosened, the text, and what stands there instead. */
export type Change = [id: string, loosens: string, text: string, becomes: string];

/** The changes of one source file that the same tests look after. */
export function toMutations(place: Pick<Mutation, "file" | "tests">, changes: Change[]): Mutation[] {
  return changes.map(([id, loosens, text, becomes]) => ({ ...place, id, loosens, text, becomes }));
}

/** The source with the control loosened, or null when the text is not there exactly once. */
export function applyMutation(source: string, { text, becomes }: Pick<Mutation, "text" | "becomes">): string | null {
  const [before, after, ...more] = source.split(text);
  return before === undefined || after === undefined || more.length > 0 ? null : before + becomes + after;
}
