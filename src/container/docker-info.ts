import type Docker from "dockerode";
import { z } from "zod";
import { toEngineError } from "./docker-errors.ts";
import type { EngineInfo } from "./engine.ts";
import { readJsonAnswer } from "./read-answer.ts";

const Component = z.object({ Name: z.string(), Version: z.string() });
const Version = z.object({
  Version: z.string(),
  BuildTime: z.string().optional(),
  Arch: z.string().default(""),
  Components: z.array(Component).nullish(),
});
const Info = z.object({
  OperatingSystem: z.string().default(""),
  DefaultRuntime: z.string().default(""),
  Runtimes: z.record(z.string(), z.unknown()).default({}),
  CgroupVersion: z.string().default("1"),
  DockerRootDir: z.string().default(""),
  SystemTime: z.string().default(""),
  MemTotal: z.number().default(0),
  SecurityOptions: z.array(z.string()).nullish(),
});

/** What the engine says about itself and its machine. Rejects with `docker-unavailable`. */
export async function readEngineInfo(docker: Docker, { withinMs }: { withinMs: number }): Promise<EngineInfo> {
  try {
    const [version, info] = await Promise.all([
      readJsonAnswer(docker, { path: "/version", withinMs }),
      readJsonAnswer(docker, { path: "/info", withinMs }),
    ]);
    return toEngineInfo(Version.parse(version), Info.parse(info));
  } catch (cause) {
    throw toEngineError(cause, { doing: "describe itself", refusal: "docker-unavailable" });
  }
}

function toEngineInfo(version: z.infer<typeof Version>, info: z.infer<typeof Info>): EngineInfo {
  const components = (version.Components ?? []).map(({ Name, Version: is }) => [Name.toLowerCase(), is] as const);
  return {
    version: version.Version,
    builtAt: toDate(version.BuildTime ?? ""),
    operatingSystem: info.OperatingSystem,
    architecture: version.Arch,
    defaultRuntime: info.DefaultRuntime,
    runtimes: Object.keys(info.Runtimes).toSorted(),
    cgroupVersion: info.CgroupVersion,
    rootFolder: info.DockerRootDir,
    time: toDate(info.SystemTime),
    memoryBytes: info.MemTotal,
    securityOptions: (info.SecurityOptions ?? []).map(toOptionName),
    componentVersions: Object.fromEntries(components),
  };
}

function toDate(text: string): Date | null {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** `name=seccomp,profile=default` is `seccomp`; `name=seccomp,profile=unconfined` stays as it is. */
function toOptionName(option: string): string {
  const [name = "", ...details] = option.replace(/^name=/, "").split(",");
  return details.includes("profile=unconfined") ? `${name}:unconfined` : name;
}
