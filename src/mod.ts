/**
 * What the author of a channel plugin, an extension, a tool or a hook imports: the words of `src/core` and the worker side of plugins.
 * docs/plugins.md and docs/tools-and-hooks.md show how they fit together.
 *
 * @module
 */

export { type PluginDefinition, servePlugin } from "./sdk/worker.ts";
export { type Channel, type ChannelTraits, type Plugin, type PluginHealth, type PluginHost } from "./core/plugin.ts";
export {
  type Attachment,
  type Inbound,
  type MediaFile,
  type Outbound,
  type OutboundFile,
  type Receipt,
  type Sender,
  type WebhookRequest,
  type WebhookResponse,
} from "./core/message.ts";
export {
  type PluginTool,
  type PluginToolAnswer,
  type PluginToolAnswerDraft,
  type PluginToolCall,
  type ToolMessage,
} from "./core/plugin_tool.ts";
export {
  type JsonSchema,
  newTextResult,
  type Tool,
  type ToolContent,
  type ToolContext,
  type ToolEffect,
  type ToolResult,
} from "./core/tool.ts";
export {
  type ExtensionCall,
  type ExtensionContent,
  type ExtensionDefinition,
  type ExtensionResult,
  type ExtensionTool,
  type ExtensionVerdict,
  logExtension,
  serveExtension,
} from "./sdk/extension.ts";
export { guardedFetch, type GuardedFetchOptions, type GuardedResponse } from "./sdk/guarded_fetch.ts";
export { type AnyHook, type Hook, type HookName, type HookPayloads, type HookVerdict } from "./core/hook.ts";
export { parseSessionId, type SessionKey, toSessionId } from "./core/session.ts";
export { AppError, type AppErrorOptions, type ErrorKind, errorKinds, toAppError } from "./core/error.ts";
export { newSecret, type Secret } from "./core/secret.ts";
export { type Log, type LogFields, type LogLevel } from "./core/log.ts";
export { version } from "./core/version.ts";
