/** Something of a session that is open on this server: a stream to its client, what it watches, a call that waits. */
export type LiveSession<Stream, Call> = Disposable & {
  /** The stream on which the client is told of changes. */
  stream: Stream | null;
  /** The calls that are being answered, by the client's number of the request. */
  calls: Map<string | number, Call>;
};

export type LiveSessions<Session> = {
  /** What is open of a session; made when nothing was. */
  open(id: string): Session;
  find(id: string): Session | null;
  end(id: string): void;
} & Disposable;

/** How many sessions have something open at once; a further one ends what was touched longest ago. */
const MAX_LIVE = 1_000;

/** Keeps what is open of sessions, and nothing of those that have nothing open: ids are signed, not remembered. */
export function createLiveSessions<Session extends Disposable>(create: (id: string) => Session): LiveSessions<Session> {
  const live = new Map<string, Session>();
  const end = (id: string): void => {
    live.get(id)?.[Symbol.dispose]();
    live.delete(id);
  };
  return {
    open: (id) => {
      const session = live.get(id) ?? create(id);
      live.delete(id);
      live.set(id, session);
      const [oldest] = live.keys();
      if (live.size > MAX_LIVE && oldest !== undefined) end(oldest);
      return session;
    },
    find: (id) => live.get(id) ?? null,
    end,
    [Symbol.dispose]: () => {
      for (const id of live.keys()) end(id);
    },
  };
}
