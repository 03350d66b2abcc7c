import { expect, test } from "vitest";
import { toEgressHosts, toProxyVariables } from "../../src/run/egress.ts";

test("a run's hosts are the repository's and the operator's, each once", () => {
  expect(toEgressHosts({ egress: ["a.example.org", "b.example.org"] }, { operator: ["b.example.org"] })).toEqual([
    "a.example.org",
    "b.example.org",
  ]);
});

test("commands are told of a proxy only when there is a host behind it, and never for loopback", () => {
  expect(toProxyVariables([])).toEqual({});
  const variables = toProxyVariables(["a.example.org"]);
  expect(variables).toMatchObject({ HTTPS_PROXY: "http://127.0.0.1:8377", https_proxy: "http://127.0.0.1:8377" });
  expect(variables).not.toHaveProperty("HTTP_PROXY");
  for (const name of ["NO_PROXY", "no_proxy"]) expect(variables[name]?.split(",")).toContain("127.0.0.1");
});
