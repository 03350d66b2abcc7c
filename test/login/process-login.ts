import { createModelLogin, type ModelLogin } from "../../src/login/model-login.ts";
import { lockFile } from "../../src/store/lock-file.ts";

/** The login of a file, as any process of the product makes it. */
export function makeProcessLogin(path: string, tokenUrl: string): ModelLogin {
  return createModelLogin({ apiKey: null, baseUrl: null, authPath: path, tokenUrl, lockFile });
}
