import { serveExtension } from "nexo";
import { evaluate } from "./evaluate.ts";
import { convert, units } from "./units.ts";

await serveExtension({
  tools: {
    evaluate: {
      description:
        "Works out an expression: + - * / % ^, brackets, pi, e, and functions such as sqrt, log, sin, round.",
      input_schema: {
        type: "object",
        properties: { expression: { type: "string", minLength: 1, maxLength: 1_000 } },
        required: ["expression"],
        additionalProperties: false,
      },
      run: ({ expression }: { expression: string }) => `${expression} = ${evaluate(expression)}`,
    },
    convert: {
      description: `Converts a value between units of one kind. Units: ${Object.keys(units).join(", ")}.`,
      input_schema: {
        type: "object",
        properties: {
          value: { type: "number" },
          from: { enum: Object.keys(units) },
          to: { enum: Object.keys(units) },
        },
        required: ["value", "from", "to"],
        additionalProperties: false,
      },
      run: ({ value, from, to }: { value: number; from: string; to: string }) =>
        `${value} ${from} = ${convert(value, from, to)} ${to}`,
    },
  },
});
