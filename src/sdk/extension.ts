// One file without imports, so that an extension can also take a copy of it along.

/** A piece of a tool's answer. */
export type ExtensionContent =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly mimeType: string; readonly base64: string }
  | { readonly type: "json"; readonly value: unknown };

/** What a tool answers: text, anything that JSON can hold, or pieces. */
export type ExtensionResult =
  | string
  | { readonly content: readonly ExtensionContent[]; readonly is_error?: boolean }
  | Readonly<Record<string, unknown>>;

/** What a call comes with. */
export interface ExtensionCall {
  /** The agent that calls. Absent where a person does, with `agent ext run`. */
  readonly agent?: string;
  readonly session_id?: string;
  /** The same for a call that is run again after a crash. */
  readonly idempotency_key?: string;
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** Tells how far it is, for the log. */
  progress(message: string): void;
}

/** A tool of an extension. */
export interface ExtensionTool {
  readonly description: string;
  /** JSON Schema of its input, an object. The input was checked against it, but for patterns and formats. */
  readonly input_schema: Readonly<Record<string, unknown>>;
  /** An error that is thrown becomes a result that the model can read. */
  // deno-lint-ignore no-explicit-any -- the author names the type that input_schema describes
  run(input: any, call: ExtensionCall): ExtensionResult | Promise<ExtensionResult>;
}

/** What a hook answers: stop here, go on with these fields changed, or (nothing) go on. */
export type ExtensionVerdict =
  | { readonly veto: string }
  | { readonly change: Readonly<Record<string, unknown>> }
  | null;

/** What an extension does. Names are those of its `plugin.toml`. */
export interface ExtensionDefinition {
  readonly tools?: Readonly<Record<string, ExtensionTool>>;
  readonly hooks?: Readonly<
    // deno-lint-ignore no-explicit-any -- each hook has a payload of its own
    Record<string, (payload: any) => ExtensionVerdict | undefined | Promise<ExtensionVerdict | undefined>>
  >;
  /** Runs before the end. */
  shutdown?(): void | Promise<void>;
}

interface Request {
  readonly id?: number;
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** Writes an entry into the log of the runtime. */
export function logExtension(level: "debug" | "info" | "warn" | "error", message: string): void {
  say({ method: "log", params: { level, message: message.slice(0, 2_000) } });
}

/**
 * Answers the runtime until it says goodbye: JSON-RPC 2.0, one message a line, on standard input and output. Nothing else
 * may write to standard output; `console.error` goes into the reason when the extension fails.
 */
export async function serveExtension(definition: ExtensionDefinition): Promise<void> {
  const { tools = {}, hooks = {} } = definition;
  const running = new Map<number, AbortController>();

  const listTools = () =>
    Object.entries(tools).map(([name, { description, input_schema }]) => ({ name, description, input_schema }));

  const answer = async ({ method, params = {} }: Request, call: ExtensionCall): Promise<unknown> => {
    if (method === "initialize") {
      return { extension_id: params["extension_id"], tools: listTools(), hooks: Object.keys(hooks) };
    }
    if (method === "tools/list") return { tools: listTools() };
    if (method === "tools/call") {
      const tool = tools[String(params["name"])];
      if (tool === undefined) throw new Error(`There is no tool ${params["name"]}`);
      const context = params["context"];
      return await tool.run(params["arguments"], { ...(typeof context === "object" ? context : {}), ...call });
    }
    const hook = method.startsWith("hooks/") ? hooks[method.slice("hooks/".length)] : undefined;
    if (hook === undefined) throw new Error(`There is no ${method}`);
    return await hook(params) ?? null;
  };

  const serve = async (request: Request, id: number): Promise<void> => {
    const stop = new AbortController();
    running.set(id, stop);
    const progress = (message: string) => say({ method: "progress", params: { message: message.slice(0, 2_000) } });
    try {
      say({ id, result: await answer(request, { signal: stop.signal, progress }) });
    } catch (thrown) {
      say({ id, error: { code: -32000, message: thrown instanceof Error ? thrown.message : String(thrown) } });
    } finally {
      running.delete(id);
    }
  };

  for await (const line of readLines()) {
    const request: Request = JSON.parse(line);
    if (request.method === "shutdown") break;
    if (request.method === "$/cancel") running.get(Number(request.params?.["id"]))?.abort();
    else if (request.id !== undefined) serve(request, request.id);
  }
  for (const stop of running.values()) stop.abort();
  await definition.shutdown?.();
}

async function* readLines(): AsyncGenerator<string> {
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield line;
  }
}

function say(message: Readonly<Record<string, unknown>>): void {
  let bytes = new TextEncoder().encode(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}
