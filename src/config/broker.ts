import { z } from "zod";

/** `broker.yaml`. */
export const brokerFileSchema = z.strictObject({
  broker: z.discriminatedUnion("type", [
    z.strictObject({
      type: z.literal("local").describe(
        "The bus inside the process. This release has no other: NATS comes with a later one.",
      ),
    }),
  ]).default({ type: "local" }).describe("How events travel."),
});
/** `broker.yaml`, as parsed. */
export type BrokerConfig = z.output<typeof brokerFileSchema>["broker"];
