import { afterAll, beforeAll } from "vitest";
import { startPostgres, type PostgresServer } from "../helpers/postgres.ts";
import { testCrashPoints } from "./crash-points.ts";

let postgres: PostgresServer;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres[Symbol.asyncDispose]());

testCrashPoints(async () => ({ DATABASE_URL: await postgres.createDatabase() }));
