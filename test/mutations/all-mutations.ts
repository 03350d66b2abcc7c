import { accessMutations } from "./access.ts";
import { containerMutations } from "./container.ts";
import { containerCheckMutations } from "./container-check.ts";
import { egressMutations } from "./egress.ts";
import { gatewayMutations } from "./gateway.ts";
import { hostMutations } from "./host.ts";
import { imageMutations } from "./image.ts";
import { maskingMutations } from "./masking.ts";
import type { Mutation } from "./mutation.ts";
import { permissionMutations } from "./permission.ts";
import { publishingMutations } from "./publishing.ts";
import { setUpMutations } from "./set-up.ts";
import { webhookMutations } from "./webhook.ts";

/** Every control that the security of a run rests on, each loosened once. */
export const allMutations: Mutation[] = [
  ...accessMutations,
  ...containerCheckMutations,
  ...containerMutations,
  ...egressMutations,
  ...gatewayMutations,
  ...hostMutations,
  ...imageMutations,
  ...maskingMutations,
  ...permissionMutations,
  ...publishingMutations,
  ...setUpMutations,
  ...webhookMutations,
];
