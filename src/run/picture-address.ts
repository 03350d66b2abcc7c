/** Where GitHub keeps what people attach; a path on its own host, and hosts that hold nothing else. */
const ATTACHMENT = [
  /^\/user-attachments\/assets\/[0-9a-f-]{36}$/,
  /^\/[A-Za-z0-9_-]+\/[A-Za-z0-9._-]+\/assets\/\d+\/[0-9a-f-]{36}$/,
  /^\/storage\/user\/\d+\/files\/[0-9a-f-]{36}$/,
];
const CONTENT_HOSTS = new Set(["user-images.githubusercontent.com", "private-user-images.githubusercontent.com"]);
/** Where github.com sends whoever asks for an attachment; nobody writes these addresses. */
const STORE_HOSTS = new Set([...CONTENT_HOSTS, "github-production-user-asset-6210df.s3.amazonaws.com"]);

export type PictureAddressOptions = {
  /** The GitHub in question, as people see it: `https://github.com`. */
  webUrl: string;
};

/** Whether an address that somebody wrote is one of a picture that was attached on this GitHub. Only these are fetched. */
export function isPictureAddress(address: string, { webUrl }: PictureAddressOptions): boolean {
  const url = toUrl(address);
  if (url === null) return false;
  if (url.origin === new URL(webUrl).origin) return ATTACHMENT.some((path) => path.test(url.pathname));
  return isAtContentHost(url, { webUrl, hosts: CONTENT_HOSTS });
}

/** Whether GitHub may send us on to this address for a picture. */
export function isPictureStore(address: string, { webUrl }: PictureAddressOptions): boolean {
  const url = toUrl(address);
  if (url === null) return false;
  return url.origin === new URL(webUrl).origin || isAtContentHost(url, { webUrl, hosts: STORE_HOSTS });
}

function isAtContentHost(url: URL, { webUrl, hosts }: PictureAddressOptions & { hosts: ReadonlySet<string> }): boolean {
  const web = new URL(webUrl);
  // A GitHub Enterprise Server with subdomain isolation keeps them on a host of its own.
  const isContent = web.host === "github.com" ? hosts.has(url.host) : url.host === `media.${web.host}`;
  return isContent && url.protocol === web.protocol;
}

function toUrl(address: string): URL | null {
  const url = URL.parse(address);
  return url === null || url.username !== "" || url.password !== "" ? null : url;
}
