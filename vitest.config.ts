import { defineConfig } from "vitest/config";

const architecture = "test/architecture.test.ts";
const docker = "test/**/*.docker.test.ts";
const crash = "test/e2e/{crash-points-sqlite,crash-points-postgres,restart,many-machines,verify-killed}.test.ts";
const endToEnd = "test/e2e/**/*.test.ts";
const peers = "test/mcp-peers/**";
const languages = "test/languages/**";
const browser = "test/browser/**";
const minuteMs = 60_000;
/** Files at once where each has a folder, a port and containers of its own, and waits most of the time. */
const worlds = 6;
/** What a test waits for comes at once on an idle machine; a busy one takes its time. */
const patient = { expect: { poll: { timeout: 20_000 } } };

/**
 * Eight groups: `architecture` reads the source, `unit` needs nothing but Node and git, `docker` an engine and the runner
 * image, `e2e` drives the whole product, `peers` does so with MCP clients that others wrote, `browser` looks at the pages with
 * Chromium, and `crash` drives it all while its processes are killed. `languages`, which goes by its name alone, has repositories in
 * several languages set up and tested. What one of them leaves behind fails it (test/setup/leaks.ts).
 */
export default defineConfig({
  test: {
    globalSetup: "test/setup/leaks.ts",
    projects: [
      { test: { name: "architecture", include: [architecture], testTimeout: minuteMs } },
      {
        test: {
          ...patient,
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [architecture, docker, endToEnd, peers, browser, languages],
          // Many tests wait for a process, a database or a clock.
          maxWorkers: 3,
          testTimeout: 30_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          ...patient,
          name: "docker",
          include: [docker],
          exclude: [endToEnd, peers],
          maxWorkers: worlds,
          testTimeout: 2 * minuteMs,
          hookTimeout: minuteMs,
        },
      },
      {
        test: {
          ...patient,
          name: "e2e",
          include: [endToEnd],
          exclude: [crash],
          maxWorkers: worlds,
          testTimeout: 4 * minuteMs,
          hookTimeout: 2 * minuteMs,
        },
      },
      {
        test: {
          ...patient,
          name: "languages",
          include: ["test/languages/*.test.ts"],
          fileParallelism: false,
          testTimeout: 10 * minuteMs,
          // An image with the languages is made first, where there is none.
          hookTimeout: 30 * minuteMs,
        },
      },
      {
        test: {
          ...patient,
          name: "peers",
          include: ["test/mcp-peers/*.test.ts"],
          maxWorkers: worlds,
          testTimeout: 2 * minuteMs,
          hookTimeout: minuteMs,
        },
      },
      {
        test: {
          ...patient,
          name: "browser",
          include: ["test/browser/*.test.ts"],
          maxWorkers: worlds,
          testTimeout: minuteMs,
          hookTimeout: minuteMs,
        },
      },
      {
        test: {
          ...patient,
          name: "crash",
          include: [crash],
          maxWorkers: worlds,
          testTimeout: 4 * minuteMs,
          hookTimeout: 2 * minuteMs,
        },
      },
    ],
  },
});
