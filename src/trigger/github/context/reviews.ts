import { toAsItStood } from "./as-it-stood.ts";
import { LIMITS } from "./limits.ts";
import { writeNewestThatFit } from "./newest-that-fit.ts";
import { toAddress, toRequest, type Part } from "./part.ts";
import { toPersonName } from "./person-name.ts";
import { readNewest } from "./read-newest.ts";

const PER_PAGE = 100;

/** What reviews of a pull request came to, and what they say as a whole. GitHub does not tell whether one was changed later. */
export const reviews: Part = {
  title: "Reviews",
  read: async (call, options) => {
    const { octokit, place } = call;
    const pull = { ...toAddress(call), pull_number: place.number, per_page: PER_PAGE };
    const newest = await readNewest({
      readPage: (page) => octokit.rest.pulls.listReviews({ ...pull, page, request: toRequest(options) }),
      perPage: PER_PAGE,
      order: "oldest-first",
    });
    const said = newest.items.flatMap(({ id, body, user, state, submitted_at: at }) =>
      // One that only holds comments on lines says nothing itself, and one without a time is not sent yet.
      at === undefined || (body === "" && state === "COMMENTED") ? [] : [{ id, body, user, state, at, editedAt: null }],
    );
    const { items, changed } = toAsItStood(said, { call, source: "review" });
    return (cleaner) =>
      writeNewestThatFit(items, {
        ...{ length: LIMITS.reviews, older: newest.older, changed, noun: "review" },
        write: ({ user, state, body }) => `${toPersonName(user, call)}, ${toVerdict(state)}: ${cleaner.prose(body)}`,
      });
  },
};

function toVerdict(state: string): string {
  return state.toLowerCase().replaceAll("_", " ");
}
