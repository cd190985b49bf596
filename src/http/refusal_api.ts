import { z } from "zod";

/** What every refusal looks like, outside of `/v1`. */
export const refusalSchema = z.object({
  error: z.object({ kind: z.string(), message: z.string(), reason: z.string() }),
});
