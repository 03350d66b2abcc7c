import type Docker from "dockerode";
import { z } from "zod";
import { readStatusCode, toEngineError } from "./docker-errors.ts";
import type { LeftImage, LeftImages } from "./engine.ts";
import { readJsonAnswer } from "./read-answer.ts";

/** The part of the engine that finds and removes images that later builds took the name of. */
export function createDockerLeftImages(docker: Docker, { withinMs }: { withinMs: number }): LeftImages {
  return {
    listLeftImages: (options) => listLeftImages(docker, { ...options, withinMs }),
    removeLeftImage: (id) => removeLeftImage(docker, { id }),
  };
}

const Images = z.array(z.object({ Id: z.string(), Size: z.number(), Created: z.number() }));

type ListOptions = { label: string; withinMs: number };

async function listLeftImages(docker: Docker, { label, withinMs }: ListOptions): Promise<LeftImage[]> {
  try {
    const filters = JSON.stringify({ dangling: ["true"], label: [label] });
    const found = Images.parse(await readJsonAnswer(docker, { path: "/images/json", query: { filters }, withinMs }));
    const left: LeftImage[] = [];
    for (const { Id: id, Size: bytes, Created } of found)
      if (await endsWithLabel(docker, { id, label, withinMs }))
        left.push({ id, bytes, createdAt: new Date(Created * 1000) });
    return left;
  } catch (cause) {
    throw toEngineError(cause, { doing: "list its images", refusal: "docker-unavailable" });
  }
}

const History = z.array(z.object({ CreatedBy: z.string().default("") }));

/** Whether setting the label was the last step of the image's build. Images that others build on ours have it, too, further down. */
async function endsWithLabel(docker: Docker, { id, label, withinMs }: ListOptions & { id: string }): Promise<boolean> {
  const [last] = History.parse(await readJsonAnswer(docker, { path: `/images/${id}/history`, withinMs }));
  return last?.CreatedBy.includes(`LABEL ${label}=`) === true;
}

async function removeLeftImage(docker: Docker, { id }: { id: string }): Promise<boolean> {
  try {
    await docker.getImage(id).remove();
    return true;
  } catch (cause) {
    // 409: a container, a name or another image needs it. 404: it is gone.
    if ([404, 409].includes(readStatusCode(cause) ?? 0)) return false;
    throw toEngineError(cause, { doing: "remove an image", refusal: "docker-unavailable" });
  }
}
