import { z } from "zod";
import { idText, secretText } from "./scalars.ts";

/** `extensions.yaml`. */
export const extensionsFileSchema = z.strictObject({
  enabled: z.boolean().default(true).describe("Whether extensions run at all."),
  search_paths: z.array(z.string().min(1)).default(["./extensions"]).describe(
    "Folders whose subfolders are looked at for extensions, beside those that were installed.",
  ),
  trusted_keys: z.record(
    z.string(),
    z.string().regex(/^[A-Za-z0-9+/]{43}=$/, "must be an Ed25519 public key: 32 bytes in base64"),
  ).default({}).describe("Names and Ed25519 public keys of those whose archives may be installed as signed."),
  require_signature: z.boolean().default(false).describe("Whether archives without a trusted signature are refused."),
  entries: z.record(
    idText,
    z.strictObject({
      env: z.record(z.string(), secretText).default({}).describe(
        "Values of the variables that its manifest names; they win over the process's own environment.",
      ),
    }),
  ).default({}).describe("What single extensions are given, by id."),
});
/** `extensions.yaml`, as parsed. */
export type ExtensionsConfig = z.output<typeof extensionsFileSchema>;
