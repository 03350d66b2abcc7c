import { Octokit } from "@octokit/rest";
import { expect, test } from "vitest";
import { findSignedAttachments } from "../../src/publish/signed-attachments.ts";

const asset = (end: string): string =>
  `https://github.com/user-attachments/assets/0f3a8a4e-4b7d-4a6c-9d7e-${end.padStart(12, "0")}`;

/** Asks a GitHub that renders Markdown as this page. */
async function signedOf(page: string, addresses: string[]) {
  const asked: unknown[] = [];
  const octokit = new Octokit({
    request: {
      fetch: async (url: string, { body }: { body: string }) => {
        asked.push([url, JSON.parse(body)]);
        return new Response(page, { headers: { "content-type": "text/html;charset=utf-8" } });
      },
    },
  });
  const { signal } = new AbortController();
  const signed = await findSignedAttachments(octokit, { addresses, repository: "octo-org/hello", signal });
  return { asked, signed };
}

test("signed addresses are told apart by the file, whatever their order, and what is not signed is left out", async () => {
  const store = "https://private-user-images.githubusercontent.com/1";
  const page = [
    `<p><a href="x"><img src="${store}/2-${asset("2").slice(-36)}.png?jwt=b&amp;x=1" alt="" style="max-width: 100%;"></a></p>`,
    `<p><img src="${store}/1-${asset("1").slice(-36)}.png?jwt=a" /></p>`,
    `<p><img src="${asset("3")}"></p>`,
  ].join("\n");
  const { signed, asked } = await signedOf(page, ["1", "2", "3", "4"].map(asset));
  expect([...signed]).toEqual([
    [asset("1"), `${store}/1-${asset("1").slice(-36)}.png?jwt=a`],
    [asset("2"), `${store}/2-${asset("2").slice(-36)}.png?jwt=b&x=1`],
  ]);
  expect(asked).toEqual([
    [
      "https://api.github.com/markdown",
      {
        text: ["1", "2", "3", "4"].map((end) => `![](<${asset(end)}>)`).join("\n\n"),
        mode: "gfm",
        context: "octo-org/hello",
      },
    ],
  ]);
});

test("an address without the number of a file is none of them", async () => {
  const address = "https://user-images.githubusercontent.com/1/2.png";
  expect((await signedOf(`<img src="https://other/1.png">`, [address])).signed.size).toBe(0);
});
