import { newTextResult, type Tool, type ToolResult } from "../../src/core/tool.ts";
import { serveApp } from "../fixtures/serve_app.ts";

// The real process with the tools that the conformance suite calls.

const redPixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";

function newTool(name: string, run: Tool["run"], inputSchema: Tool["inputSchema"] = { type: "object" }): Tool {
  return { name, description: `${name} of the suite`, inputSchema, effect: "none", harmless: true, run };
}

function always(name: string, result: ToolResult): Tool {
  return newTool(name, () => Promise.resolve(result));
}

await serveApp({
  tools: [
    always("test_simple_text", newTextResult("This is a simple text response for testing.")),
    always("test_image_content", { content: [{ type: "image", mimeType: "image/png", base64: redPixel }] }),
    newTool("test_error_handling", () => Promise.reject(new Error("This tool intentionally returns an error"))),
    newTool("test_tool_with_progress", async (_, { progress }) => {
      for (const done of [0, 50, 100]) {
        progress?.({ done, total: 100 });
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return newTextResult("done");
    }),
    newTool("json_schema_2020_12_tool", () => Promise.resolve(newTextResult("done")), {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      $defs: { address: { type: "object", properties: { street: { type: "string" }, city: { type: "string" } } } },
      properties: { name: { type: "string" }, address: { $ref: "#/$defs/address" } },
      additionalProperties: false,
    }),
  ],
});
