import type { Terminal } from "./trigger/cli/product.ts";
