import { z } from "zod";

/** Signatures and the like that a provider attached to a part; flat text. */
const metaSchema = z.record(z.string(), z.string());

const stateSchema = z.object({
  /** Who wrote it: another model has no use for it. */
  from: z.string(),
  parts: z.array(z.discriminatedUnion("type", [
    z.object({ type: z.literal("reasoning"), text: z.string(), meta: metaSchema }),
    /** `length` characters of the message's text. */
    z.object({ type: z.literal("text"), length: z.number().int(), meta: metaSchema }),
    z.object({ type: z.literal("toolCall"), id: z.string(), meta: metaSchema }),
  ])),
});

/**
 * The order and the signatures of an answer's parts, as the provider wants them back with the next request.
 * This is what the neutral `providerState` holds.
 */
export type ProviderState = z.output<typeof stateSchema>;
/** One part of a {@linkcode ProviderState}. */
export type StatePart = ProviderState["parts"][number];

/** Reads a state back; `undefined` where there is none or `from` did not write it. */
export function readState(state: unknown, from: string): ProviderState | undefined {
  const read = stateSchema.safeParse(state);
  return read.success && read.data.from === from ? read.data : undefined;
}
