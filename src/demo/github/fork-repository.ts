import type { World } from "./world.ts";

export type ForkOptions = { login: string; repository: string };

/** Makes a person's fork, in the emulator and as a repository of git; resolves with its name. */
export async function forkRepository(
  { api, tokensByLogin }: World,
  { login, repository }: ForkOptions,
): Promise<string> {
  const authorization = `Bearer ${tokensByLogin.get(login) ?? ""}`;
  const path = `/repos/${repository}/forks`;
  const made = await api.upstream.forward({ method: "POST", path, body: {}, authorization });
  if (made.status >= 300) throw new Error(`${login} cannot fork ${repository}: ${JSON.stringify(made.body)}`);
  const name = `${login}/${repository.split("/")[1]}`;
  await api.git.create(name);
  await api.git.git(name, ["fetch", "--quiet", api.git.pathOf(repository), "+refs/heads/*:refs/heads/*"]);
  return name;
}
