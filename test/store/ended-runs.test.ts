import { expect, test } from "vitest";
import { createResult } from "../helpers/results.ts";
import { describeBoth, noLimits, type Lab } from "./lab.ts";

async function end(lab: Lab): Promise<void> {
  const claim = await lab.claims().claimNext({ scope: "all", limits: noLimits });
  await claim?.writer.finish(createResult(claim.request));
}

describeBoth("the follower of runs that end", (lab) => {
  test("tells each run that ends from then on once, also one that was open or began since", async () => {
    await lab().add();
    await end(lab());
    await lab().add();
    const follower = await lab().runs.followEnds();
    expect(await follower.next()).toEqual([]);
    await end(lab());
    expect(await follower.next()).toMatchObject([{ status: "done", trigger: { kind: "github" } }]);
    await lab().add();
    expect(await follower.next()).toEqual([]);
    await end(lab());
    await lab().add();
    await end(lab());
    expect(await follower.next()).toHaveLength(2);
    expect(await follower.next()).toEqual([]);
  });

  test("the queue's measure counts what waits and what is executed, and knows the oldest", async () => {
    expect(await lab().runs.measureQueue()).toEqual({ waiting: 0, executing: 0, oldestAcceptedAt: null });
    const first = await lab().add();
    await lab().add();
    const record = await lab().runs.find(first.run_id);
    expect(await lab().runs.measureQueue()).toEqual({
      ...{ waiting: 2, executing: 0 },
      oldestAcceptedAt: record?.acceptedAt,
    });
    await lab().claims().claimNext({ scope: "all", limits: noLimits });
    expect(await lab().runs.measureQueue()).toMatchObject({ waiting: 1, executing: 1 });
  });
});
