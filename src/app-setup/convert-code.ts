import { z } from "zod";
import { askHttp, type HttpAnswer } from "../doctor/ask-http.ts";

/** The App as GitHub hands it over, once. The key and the secret are never shown. */
export type NewApp = {
  id: number;
  slug: string;
  /** Its page, where it can be installed. */
  htmlUrl: string;
  privateKey: string;
  webhookSecret: string | null;
};

export type Conversion = { kind: "made"; app: NewApp } | { kind: "refused"; why: string };

const Answer = z.object({
  id: z.int().positive(),
  slug: z.string().regex(/^[\w.-]{1,100}$/),
  html_url: z.url({ protocol: /^https?$/ }),
  pem: z.string().regex(/^-----BEGIN (?:RSA )?PRIVATE KEY-----[\s\S]+-----END (?:RSA )?PRIVATE KEY-----\s*$/),
  webhook_secret: z.string().min(1).nullable(),
});

export type ConvertCodeOptions = { apiUrl: string; signal: AbortSignal };

/**
 * Gives GitHub the code and gets the App for it. Asks once, since a code is good for one use. Rejects only when the signal
 * aborts.
 */
export async function convertCode(code: string, { apiUrl, signal }: ConvertCodeOptions): Promise<Conversion> {
  if (!/^[\w-]{1,200}$/.test(code)) return { kind: "refused", why: "what came back from GitHub is no code" };
  const answer = await askHttp(new URL(`${apiUrl}/app-manifests/${code}/conversions`), {
    method: "POST",
    headers: { accept: "application/vnd.github+json" },
    signal,
  });
  return judge(answer, { apiUrl });
}

function judge(answer: HttpAnswer, { apiUrl }: { apiUrl: string }): Conversion {
  if (answer.kind === "unreachable") return refused(`GitHub at ${apiUrl} could not be reached: ${answer.why}`);
  if (answer.status === 404 || answer.status === 422) {
    return refused(`GitHub refused the code (HTTP ${answer.status}): it is good for one use, and for one hour`);
  }
  if (answer.status !== 201) return refused(`GitHub at ${apiUrl} answered the code with HTTP ${answer.status}`);
  const parsed = Answer.safeParse(answer.body);
  if (!parsed.success) return refused(`what answers at ${apiUrl} is no GitHub`);
  const { id, slug, html_url: htmlUrl, pem: privateKey, webhook_secret: webhookSecret } = parsed.data;
  return { kind: "made", app: { id, slug, htmlUrl, privateKey, webhookSecret } };
}

function refused(why: string): Conversion {
  return { kind: "refused", why };
}
