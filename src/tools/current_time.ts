import type { Clock } from "../core/clock.ts";
import { newTextResult, type Tool } from "../core/tool.ts";

/** Makes the tool that tells the time: prompts hold only the day, so that providers can cache them. */
export function newCurrentTimeTool(clock: Clock): Tool {
  return {
    name: "current_time",
    description: "Tells the current date and time, in UTC or in a time zone.",
    inputSchema: {
      type: "object",
      properties: { time_zone: { type: "string", maxLength: 64, description: "IANA name, such as Europe/Madrid" } },
      additionalProperties: false,
    },
    effect: "none",
    parallelSafe: true,
    harmless: true,
    run(input) {
      // The input was checked against the schema above before run() is called.
      const { time_zone: timeZone = "UTC" } = input as { time_zone?: string };
      const now = new Date(clock.now());
      try {
        const text = new Intl.DateTimeFormat("en-GB", { timeZone, dateStyle: "full", timeStyle: "long" }).format(now);
        return Promise.resolve(newTextResult(`${text} (${now.toISOString()})`));
      } catch {
        // Intl knows only one reason to throw here.
        return Promise.resolve(
          newTextResult(`There is no time zone "${timeZone}". Use an IANA name such as Europe/Madrid`, true),
        );
      }
    },
  };
}
