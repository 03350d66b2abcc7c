// `node open-and-add.ts '<place>'`: opens the database, adds one run and prints what became of it.

import { openDatabase, type DatabasePlace } from "../../src/store/database.ts";
import { createRunStore } from "../../src/store/runs.ts";
import { createRequest } from "../helpers/requests.ts";

const place: DatabasePlace = JSON.parse(process.argv[2] ?? "");
await using database = await openDatabase(place);
const request = createRequest({ thread: null });
const added = await createRunStore(database).add(request, { deliveryId: null, home: null, maxQueued: 100 });
process.stdout.write(`${added.kind}\n`);
