import { newTextResult, type Tool } from "../../src/core/tool.ts";

/** Tools that the measured agent shows to its model. */
export const inertToolCount = 12;

/** Tools `bench_1` to `bench_12`, or so many under another name, with schemas of a usual size. Nobody calls them. */
export function newInertTools(count = inertToolCount, prefix = "bench"): readonly Tool[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `${prefix}_${index + 1}`,
    description: "Looks up orders of the shop by customer, state and date, and gives them as a table, newest first.",
    inputSchema: {
      type: "object",
      properties: {
        customer: { type: "string", description: "Id or mail address of the customer, as the shop knows it." },
        state: {
          type: "string",
          enum: ["open", "paid", "sent", "returned"],
          description: "Only orders in this state.",
        },
        since: { type: "string", format: "date", description: "Only orders of this day or later." },
        limit: { type: "integer", minimum: 1, maximum: 100, description: "How many at most; 20 where absent." },
      },
      required: ["customer"],
      additionalProperties: false,
    },
    effect: "none",
    run: () => Promise.resolve(newTextResult("no orders")),
  }));
}
