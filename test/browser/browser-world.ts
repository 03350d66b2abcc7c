import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from "playwright-core";
import { findChromium } from "../../scripts/chromium.mjs";
import { openPagesWorld, TOKEN, type PagesWorld } from "../web/pages-world.ts";
import { startCuttableProxy, type CuttableProxy } from "./cuttable-proxy.ts";

/** The pages, and a real browser that looks at them through a connection that can be cut. */
export type BrowserWorld = AsyncDisposable & {
  pages: PagesWorld;
  proxy: CuttableProxy;
  /** A window of somebody who signed in, unless `as` says otherwise. */
  open(options?: OpenOptions): Promise<Window>;
};

export type OpenOptions = BrowserContextOptions & { as?: "owner" | "stranger" };

/** `complaints`: what the browser complained about: errors of scripts, and of the page's own policy. */
export type Window = AsyncDisposable & { page: Page; context: BrowserContext; complaints: string[] };

/** A phone of the narrowest width that is still sold. */
export const PHONE = { viewport: { width: 375, height: 667 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

/** Opens it; `PUBLIC_URL` is plain HTTP, as the browser's way to it. */
export async function openBrowserWorld(environment: Record<string, string> = {}): Promise<BrowserWorld> {
  await using opened = new AsyncDisposableStack();
  const pages = opened.use(await openPagesWorld({ PUBLIC_URL: "http://codex.example.com", ...environment }));
  const proxy = opened.use(await startCuttableProxy(pages.url));
  const browser = await launchChromium();
  opened.defer(() => browser.close());
  const owned = opened.move();
  return {
    ...{ pages, proxy },
    open: (options = {}) => openWindow(browser, { ...options, baseURL: proxy.url }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === null) throw new Error("Chromium is missing: install it (Debian: apt-get install -y chromium)");
  return chromium.launch({ executablePath, args: ["--disable-dev-shm-usage"] });
}

/** Has the page tell of every breach of its policy on the console, and note its long tasks. */
const watchPage = `
  document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) =>
    console.error("policy: " + [violatedDirective, blockedURI, sample].join(" ")));
  window.longTasks = [];
  new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ type: "longtask", buffered: true });
`;

async function openWindow(
  browser: Browser,
  { as = "owner", ...options }: OpenOptions & { baseURL: string },
): Promise<Window> {
  const context = await browser.newContext(options);
  await context.addInitScript(watchPage);
  const complaints: string[] = [];
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  if (as === "owner") {
    const response = await context.request.post("/runs/sign-in", {
      form: { token: TOKEN, next: "/runs" },
      maxRedirects: 0,
    });
    if (response.status() !== 303) throw new Error(`not signed in: ${response.status()}`);
  }
  return { page, context, complaints, [Symbol.asyncDispose]: () => context.close() };
}
