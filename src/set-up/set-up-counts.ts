/** What became of the set-ups of this process: taken from a layer, made into one, made for one run alone, or failed. */
export const SET_UP_WAYS = ["reused", "kept", "not-kept", "failed"] as const;
export type SetUpWay = (typeof SET_UP_WAYS)[number];

export type SetUpCount = { count: number; seconds: number };

/** Counts set-ups, and the seconds they took. */
export type SetUpCounts = {
  note(way: SetUpWay, options: { seconds: number }): void;
  read(): ReadonlyMap<SetUpWay, SetUpCount>;
};

/** Makes the counts, all of them 0. */
export function createSetUpCounts(): SetUpCounts {
  const counts = new Map<SetUpWay, SetUpCount>(SET_UP_WAYS.map((way) => [way, { count: 0, seconds: 0 }]));
  return {
    note: (way, { seconds }) => {
      const { count, seconds: before } = counts.get(way) ?? { count: 0, seconds: 0 };
      counts.set(way, { count: count + 1, seconds: before + seconds });
    },
    read: () => counts,
  };
}
