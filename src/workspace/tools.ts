import { type AppError, toAppError } from "../core/error.ts";
import { newTextResult, type Tool, type ToolContext, type ToolResult } from "../core/tool.ts";
import {
  notesFolder,
  type Workspace,
  type WorkspaceCommit,
  type WorkspaceEdit,
  type Workspaces,
  type WorkspaceView,
} from "../core/workspace.ts";

/** Longest piece of a file or diff that a model is given at once, characters. */
const pieceBound = 50_000;
const filesShown = 500;

const path = { type: "string", minLength: 1, maxLength: 400, description: "Path in your workspace, such as USER.md" };

/** Makes the tools with which an agent works on its own files. An agent reaches nobody's but its own by construction. */
export function newWorkspaceTools(workspaces: Workspaces): readonly Tool[] {
  const define = <I>(
    tool: Omit<Tool, "run" | "inputSchema"> & {
      readonly properties: Readonly<Record<string, unknown>>;
      readonly required?: readonly string[];
    },
    run: (workspace: Workspace, input: I, context: ToolContext, view: WorkspaceView) => Promise<ToolResult>,
  ): Tool => {
    const { properties, required = [], ...rest } = tool;
    return {
      ...rest,
      inputSchema: { type: "object", properties, required, additionalProperties: false },
      async run(input, context) {
        try {
          // The input was checked against the schema above before run() is called.
          return await run(workspaces.of(context.agent), input as I, context, context.isGroup ? "group" : "private");
        } catch (thrown) {
          const error = toAppError(thrown);
          if (!isForModel(error)) throw error;
          return newTextResult(error.message, true);
        }
      },
    };
  };

  return [
    define({
      name: "workspace_list",
      description: "Lists the files of your workspace: papers about yourself, the people you know, and your notes.",
      properties: {},
      effect: "none",
      parallelSafe: true,
    }, async (workspace, _input, _context, view) => {
      const files = await workspace.list(view);
      const lines = files.slice(0, filesShown).map(({ path: one, sizeBytes, modifiedAt }) =>
        `${one} (${sizeBytes} bytes, ${modifiedAt})`
      );
      const more = files.length > filesShown ? [`[${files.length - filesShown} more files]`] : [];
      return newTextResult([...lines, ...more].join("\n") || "Your workspace is empty");
    }),

    define<{ path: string; from_line?: number }>({
      name: "workspace_read",
      description: "Reads a file of your workspace.",
      properties: {
        path,
        from_line: { type: "integer", minimum: 1, description: "First line to read. Default: 1" },
      },
      required: ["path"],
      effect: "none",
      parallelSafe: true,
    }, async (workspace, input, _context, view) => {
      const text = await workspace.read(input.path, view);
      return newTextResult(toPiece(text, input.from_line ?? 1));
    }),

    define<{ path: string; why: string; content?: string; mode?: WorkspaceEdit["kind"] }>({
      name: "workspace_write",
      description:
        "Writes a file of your workspace and keeps it for good, with its history. IDENTITY.md, SOUL.md and " +
        "AGENTS.md say who you are and how you work; USER.md whom you serve; MEMORY.md what you must never forget. " +
        `What happened on a day goes into ${notesFolder}/YYYY-MM-DD.md. No passwords, no keys.`,
      properties: {
        path,
        content: { type: "string", maxLength: 262_144, description: "The text. Not for mode delete" },
        mode: {
          enum: ["replace", "append", "delete"],
          description: "replace: the whole file, the default. append: at its end. delete: the file goes",
        },
        why: { type: "string", minLength: 1, maxLength: 500, description: "Why, in one sentence, for the history" },
      },
      required: ["path", "why"],
      effect: "idempotent",
      // What is written here is read as the agent's own word in every later turn.
      dangerous: true,
    }, async (workspace, input, context, view) => {
      const kind = input.mode ?? "replace";
      if (kind !== "delete" && input.content === undefined) return newTextResult("Give the content", true);
      const edit: WorkspaceEdit = kind === "delete"
        ? { path: input.path, kind }
        : { path: input.path, kind, text: input.content ?? "" };
      const commit = await workspace.change([edit], {
        author: context.agent,
        why: input.why,
        sessionId: context.sessionId,
        turnId: context.turnId,
        key: context.idempotencyKey,
      }, view);
      return newTextResult(commit === undefined ? "Nothing changed" : `Written: ${sayCommit(commit)}`);
    }),

    define<{ path?: string; from?: string; to?: string }>({
      name: "workspace_diff",
      description: "Shows what a change of your workspace changed: the newest, a named one, or all between two.",
      properties: {
        path: { ...path, description: "Only this file" },
        from: { type: "string", maxLength: 40, description: "Commit to begin with. Default: the one before `to`" },
        to: { type: "string", maxLength: 40, description: "Commit to end with. Default: the newest" },
      },
      effect: "none",
      parallelSafe: true,
    }, async (workspace, input, _context, view) => {
      const patches = await workspace.diff(input, view);
      const text = patches.map((one) => one.patch === "" ? `${one.path} is no text` : one.patch).join("\n");
      return newTextResult(text === "" ? "Nothing differs" : toPiece(text, 1));
    }),

    define<{ path?: string; limit?: number; before?: string }>({
      name: "workspace_history",
      description: "Lists the changes of your workspace, newest first: when, by whom, why, which files.",
      properties: {
        path: { ...path, description: "Only changes of this file" },
        limit: { type: "integer", minimum: 1, maximum: 100, description: "How many. Default: 20" },
        before: { type: "string", maxLength: 40, description: "Only changes older than this commit" },
      },
      effect: "none",
      parallelSafe: true,
    }, async (workspace, { limit = 20, ...rest }, _context, view) => {
      const commits = await workspace.history({ limit, ...rest }, view);
      return newTextResult(commits.map(sayCommit).join("\n") || "Nothing has been changed yet");
    }),
  ];
}

/** What a model can do something about. */
function isForModel({ kind }: AppError): boolean {
  return kind === "invalid" || kind === "denied" || kind === "missing" || kind === "conflict";
}

function sayCommit({ id, at, author, why, files }: WorkspaceCommit): string {
  const names = files.slice(0, 10).join(", ") + (files.length > 10 ? ` and ${files.length - 10} more` : "");
  return `${id.slice(0, 10)} ${at} ${author}: ${why} (${names})`;
}

function toPiece(text: string, fromLine: number): string {
  const lines = text.split("\n");
  if (fromLine > lines.length) return `It has ${lines.length} lines`;
  const rest = lines.slice(fromLine - 1).join("\n");
  if (rest.length <= pieceBound) return rest;
  const piece = rest.slice(0, pieceBound);
  return `${piece}\n[It goes on: read from_line ${fromLine + piece.split("\n").length - 1}]`;
}
