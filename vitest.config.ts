import { defineConfig } from "vitest/config";

const architecture = "test/architecture.test.ts";
const docker = "test/**/*.docker.test.ts";
const crash = "test/e2e/{crash-points,restart,many-machines}.test.ts";
const endToEnd = "test/e2e/**/*.test.ts";
const peers = "test/mcp-peers/**";
const minuteMs = 60_000;

/**
 * Six groups: `architecture` reads the source, `unit` needs nothing but Node and git, `docker` an engine and the runner
 * image, `e2e` drives the whole product, `peers` does so with MCP clients that others wrote, and `crash` while its processes
 * are killed. What one of them leaves behind fails it (test/setup/leaks.ts).
 */
export default defineConfig({
  test: {
    globalSetup: "test/setup/leaks.ts",
    projects: [
      { test: { name: "architecture", include: [architecture], testTimeout: minuteMs } },
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [architecture, docker, endToEnd, peers],
          maxWorkers: "100%",
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          name: "docker",
          include: [docker],
          exclude: [endToEnd, peers],
          fileParallelism: false,
          testTimeout: 2 * minuteMs,
          hookTimeout: minuteMs,
        },
      },
      {
        test: {
          name: "e2e",
          include: [endToEnd],
          exclude: [crash],
          // Each world has a folder, a port and containers of its own, and waits most of the time.
          maxWorkers: 2,
          testTimeout: 4 * minuteMs,
          hookTimeout: 2 * minuteMs,
        },
      },
      {
        test: {
          name: "peers",
          include: ["test/mcp-peers/*.test.ts"],
          fileParallelism: false,
          testTimeout: 2 * minuteMs,
          hookTimeout: minuteMs,
        },
      },
      {
        test: {
          name: "crash",
          include: [crash],
          // Each world has a folder, a port and containers of its own, and waits most of the time.
          maxWorkers: 2,
          testTimeout: 4 * minuteMs,
          hookTimeout: 2 * minuteMs,
        },
      },
    ],
  },
});
