import { type McpServerConfig, toMcpPrefix } from "../config/mcp.ts";
import { toAppError } from "../core/error.ts";
import { type JsonSchema, newTextResult, type Tool, type ToolContext, type ToolResult } from "../core/tool.ts";
import { matchesPattern } from "../lib/pattern.ts";
import { sayDetail } from "./errors.ts";
import type { Link } from "./link.ts";
import type { ToolFace } from "./pins.ts";
import { toPromptResult, toResourceResult, toToolResult } from "./results.ts";
import { toShownText } from "../core/shown_text.ts";

/** What every tool of a server is made of. */
export interface ToolDeps {
  readonly server: string;
  readonly config: McpServerConfig;
  readonly link: Pick<Link, "use">;
}

const descriptionBound = 4_000;
/** The call's own deadline ends it long before; the library wants a number. */
const noTimeoutMs = 86_400_000;

/** A tool of a server as one of ours. */
export function newServerTool(
  { server, config, face, name, inputSchema, link }: ToolDeps & {
    readonly face: ToolFace;
    readonly name: string;
    readonly inputSchema: JsonSchema;
  },
): Tool {
  const { annotations } = face;
  const isReading = annotations?.readOnlyHint === true;
  return {
    name,
    description: `[mcp:${server}] ${toShownText(face.description ?? face.title ?? face.name, descriptionBound)}`,
    inputSchema,
    effect: isReading ? "none" : annotations?.idempotentHint === true ? "idempotent" : "once",
    parallelSafe: isReading,
    lazy: true,
    ...toDeadline(config),
    ...matchesPattern(config.dangerous_tools, face.name) ? { dangerous: true } : {},
    run: (input, context) =>
      answer(() =>
        link.use(async (client) =>
          toToolResult(
            await client.callTool({ name: face.name, arguments: toArguments(input) }, {
              ...toRequestOptions(context),
              onprogress: ({ progress, total, message }) =>
                context.progress?.({
                  done: progress,
                  ...(total === undefined ? {} : { total }),
                  ...(message === undefined ? {} : { message: toShownText(message, 300) }),
                }),
            }),
          ), context.signal)
      ),
  };
}

/** A tool that is not the server's own, but gives its resources and prompts to agents. */
export interface SideTool {
  readonly word: string;
  toolName(server: string): string;
  make(deps: ToolDeps): Tool;
}

/** Tools for what a server has beside its tools. */
export function newSideTools(has: { readonly resources: boolean; readonly prompts: boolean }): readonly SideTool[] {
  return [
    ...has.resources ? [listResources, readResource] : [],
    ...has.prompts ? [listPrompts, getPrompt] : [],
  ];
}

const cursor = { type: "string", description: "The cursor that the page before ended with" };

const listResources = newSideTool("list_resources", {
  description: "Lists the resources of this server: what it lets you read, by URI.",
  inputSchema: { type: "object", properties: { cursor }, additionalProperties: false },
  run: (input, context, { link }) =>
    link.use(async (client) => {
      const options = toRequestOptions(context);
      const from = toText(input, "cursor");
      const page = await client.request({ method: "resources/list", params: toPage(from) }, options);
      const lines = page.resources.map(({ uri, name, mimeType = "", description = "" }) =>
        `${uri} ${name} ${mimeType} ${description}`
      );
      const templates = from === undefined
        ? await client.listResourceTemplates({}, options)
        : { resourceTemplates: [] };
      const shapes = templates.resourceTemplates.map(({ uriTemplate, name, description = "" }) =>
        `${uriTemplate} (a template) ${name} ${description}`
      );
      return toList([...lines, ...shapes], page.nextCursor);
    }, context.signal),
});

const readResource = newSideTool("read_resource", {
  description: "Reads a resource of this server.",
  inputSchema: {
    type: "object",
    properties: {
      uri: { type: "string", description: "As list_resources shows it, or made from one of its templates" },
    },
    required: ["uri"],
    additionalProperties: false,
  },
  run: (input, context, { link }) =>
    link.use(async (client) => {
      const result = await client.readResource({ uri: toText(input, "uri") ?? "" }, {
        ...toRequestOptions(context),
        cacheMode: "bypass",
      });
      return toResourceResult(result);
    }, context.signal),
});

const listPrompts = newSideTool("list_prompts", {
  description: "Lists the prompts of this server: texts that it makes for a purpose, with their arguments.",
  inputSchema: { type: "object", properties: { cursor }, additionalProperties: false },
  run: (input, context, { link }) =>
    link.use(async (client) => {
      const page = await client.request(
        { method: "prompts/list", params: toPage(toText(input, "cursor")) },
        toRequestOptions(context),
      );
      const lines = page.prompts.map(({ name, description = "", arguments: wants = [] }) => {
        const words = wants.map((one) => one.required === true ? one.name : `${one.name}?`);
        return `${name}(${words.join(", ")}) ${description}`;
      });
      return toList(lines, page.nextCursor);
    }, context.signal),
});

const getPrompt = newSideTool("get_prompt", {
  description: "Gets a prompt of this server.",
  inputSchema: {
    type: "object",
    properties: {
      name: { type: "string", description: "As list_prompts shows it" },
      arguments: { type: "object", additionalProperties: { type: "string" } },
    },
    required: ["name"],
    additionalProperties: false,
  },
  run: (input, context, { link }) =>
    link.use(async (client) => {
      // Checked against the schema above before run() is called.
      const { name, arguments: values = {} } = input as { name: string; arguments?: Record<string, string> };
      return toPromptResult(await client.getPrompt({ name, arguments: values }, toRequestOptions(context)));
    }, context.signal),
});

function newSideTool(
  word: string,
  { description, inputSchema, run }: Pick<Tool, "description" | "inputSchema"> & {
    run(input: unknown, context: ToolContext, deps: ToolDeps): Promise<ToolResult>;
  },
): SideTool {
  const toolName = (server: string) => toMcpPrefix(server) + word;
  return {
    word,
    toolName,
    make: (deps) => ({
      name: toolName(deps.server),
      description: `[mcp:${deps.server}] ${description}`,
      inputSchema,
      effect: "none",
      parallelSafe: true,
      lazy: true,
      ...toDeadline(deps.config),
      run: (input, context) => answer(() => run(input, context, deps)),
    }),
  };
}

/** What a server says when it refuses is a result: strangers' text, for the model to read as such. */
async function answer(ask: () => Promise<ToolResult>): Promise<ToolResult> {
  try {
    return await ask();
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.reason !== "server_refused") throw error;
    const said = sayDetail(error.cause) ?? "it did not say why";
    return { ...newTextResult(`The server refused: ${said}`, true), untrusted: true };
  }
}

function toDeadline({ call_timeout }: McpServerConfig): { readonly deadlineMs?: number } {
  return call_timeout === undefined ? {} : { deadlineMs: call_timeout };
}

function toRequestOptions({ signal }: ToolContext) {
  return { signal, timeout: noTimeoutMs };
}

function toArguments(input: unknown): Record<string, unknown> {
  return typeof input === "object" && input !== null ? { ...input } : {};
}

function toText(input: unknown, key: string): string | undefined {
  const value = toArguments(input)[key];
  return typeof value === "string" ? value : undefined;
}

function toPage(from: string | undefined): { readonly cursor?: string } {
  return from === undefined ? {} : { cursor: from };
}

function toList(lines: readonly string[], next: string | undefined): ToolResult {
  const shown = lines.map((line) => toShownText(line, 500));
  const more = next === undefined ? [] : [`[there are more: call again with cursor ${JSON.stringify(next)}]`];
  return { ...newTextResult(shown.length === 0 ? "There are none." : [...shown, ...more].join("\n")), untrusted: true };
}
