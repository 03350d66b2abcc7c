import { expect, test } from "vitest";
import { createEgressNotes } from "../../src/agent/egress-notes.ts";

test("each host that was reached or refused is one line, however often, also of the time before anybody listened", () => {
  const notes = createEgressNotes();
  const lines: string[] = [];
  for (let count = 0; count < 3; count++) notes.note({ host: "a.example.org", refused: null });
  notes.listen((line) => lines.push(line));
  for (let count = 0; count < 3; count++)
    notes.note({ host: "b.example.org", refused: "b.example.org is not allowed" });
  notes.note({ host: "a.example.org", refused: null });
  expect(lines).toEqual(["[egress: reached a.example.org]", "[egress: b.example.org is not allowed]"]);
});

test("names made up without end do not fill the log", () => {
  const notes = createEgressNotes();
  const lines: string[] = [];
  notes.listen((line) => lines.push(line));
  for (let count = 0; count < 10_000; count++) notes.note({ host: `${count}.x`, refused: `${count}.x is not allowed` });
  expect(lines.length).toBeLessThan(1_000);
});
