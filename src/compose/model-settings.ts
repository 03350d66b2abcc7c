import type { ModelSettings } from "../agent/agent-settings.ts";
import type { Config } from "../config.ts";
import { createModelFilter } from "../gateway/allowed-model.ts";
import type { AnswerCounts } from "../gateway/answer-counts.ts";
import type { ModelBreaker } from "../gateway/model-breaker.ts";
import type { Logger } from "../logger.ts";
import { createModelLogin } from "../login/model-login.ts";
import type { Mask } from "../masking/mask.ts";
import type { Database } from "../store/database.ts";
import { lockFile } from "../store/lock-file.ts";
import { createLoginVault } from "../store/login-vault.ts";

export type ModelSettingsOptions = {
  database: Database;
  breaker: ModelBreaker;
  answers: AnswerCounts;
  mask: Mask;
  log: Logger;
};

/** How agents reach the model: the key or the ChatGPT login, kept on this machine or, for several, in the database. */
export function createModelSettings(
  { model, github }: Config,
  { database, breaker, answers, mask, log }: ModelSettingsOptions,
): ModelSettings {
  const vault = createLoginVault(database);
  // The machines that share a database share the App too. Its key cannot be guessed, as a secret made up by people can.
  const keyMaterial = github.app?.privateKey ?? null;
  const login = createModelLogin({
    apiKey: model.apiKey,
    baseUrl: model.givenBaseUrl,
    authPath: model.authPath,
    lockFile,
    shared: vault === null || keyMaterial === null ? null : { vault, keyMaterial },
    ...(model.tokenUrl === null ? {} : { tokenUrl: model.tokenUrl }),
    mask,
    logger: log,
  });
  return {
    findUpstream: async () => (await login.account()).baseUrl,
    authorization: () => login.authorization(),
    onUnauthorized: (headers) => login.refused(headers),
    maxTokens: model.maxTokensPerRun,
    isAllowed: createModelFilter(model.allowed),
    breaker,
    answers,
  };
}
