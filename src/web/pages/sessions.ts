import { randomBytes } from "node:crypto";
import { createSigner, isSame } from "./signer.ts";

/** Who signed in with DASHBOARD_TOKEN, without anything on record: the cookie's value proves itself. */
export type Sessions = {
  isToken(token: string): boolean;
  /** The value of a new cookie. */
  begin(): string;
  isGood(cookie: string): boolean;
  /** Stands in every form of this session: whoever can only make a browser send a form does not know it. */
  formToken(cookie: string): string;
  isForm(formToken: string, cookie: string): boolean;
};

/** How long a session lasts, in seconds. */
export const SESSION_S = 24 * 60 * 60;

/**
 * Makes the sessions of one DASHBOARD_TOKEN. All servers that have the token take each other's sessions, and with another
 * token all of them are over.
 */
export function createSessions(token: string, { clock = Date.now }: { clock?: () => number } = {}): Sessions {
  const cookies = createSigner(token, { purpose: "sessions of the pages" });
  const forms = createSigner(token, { purpose: "forms of the pages" });
  const nowS = (): number => Math.floor(clock() / 1000);
  return {
    isToken: (text) => isSame(text, token),
    begin: () => {
      const text = `${nowS() + SESSION_S}.${randomBytes(16).toString("base64url")}`;
      return `${text}.${cookies.sign(text)}`;
    },
    isGood: (cookie) => {
      const [, text = "", end = "", signature = ""] = /^((\d{1,12})\.[\w-]{22})\.([\w-]{43})$/.exec(cookie) ?? [];
      return cookies.isSigned(text, signature) && Number(end) > nowS();
    },
    formToken: (cookie) => forms.sign(cookie),
    isForm: (formToken, cookie) => forms.isSigned(cookie, formToken),
  };
}
