import { isRunStatus, toAsItStood } from "./as-it-stood.ts";
import { LIMITS } from "./limits.ts";
import { writeNewestThatFit } from "./newest-that-fit.ts";
import { toAddress, toRequest, type Part } from "./part.ts";
import { toPersonName } from "./person-name.ts";
import { readNewest } from "./read-newest.ts";

const PER_PAGE = 100;

/** What people had said in the thread. */
export const comments: Part = {
  title: "What was said before",
  read: async (call, options) => {
    const { octokit, place } = call;
    const thread = { ...toAddress(call), issue_number: place.number, per_page: PER_PAGE };
    const newest = await readNewest({
      readPage: (page) => octokit.rest.issues.listComments({ ...thread, page, request: toRequest(options) }),
      perPage: PER_PAGE,
      order: "oldest-first",
    });
    const others = newest.items.filter((comment) => !isRunStatus(comment));
    const said = others.map(({ id, body, user, created_at: at, updated_at: editedAt }) => ({
      ...{ id, body: body ?? "", user, at, editedAt },
    }));
    const { items, changed } = toAsItStood(said, { call, source: "issue-comment" });
    return (cleaner) =>
      writeNewestThatFit(items, {
        ...{ length: LIMITS.comments, older: newest.older, changed, noun: "comment" },
        write: ({ user, body }) => `${toPersonName(user, call)}: ${cleaner.prose(body)}`,
      });
  },
};
