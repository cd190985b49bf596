/**
 * What the author of a channel plugin, a tool or a hook imports: the words of `src/core` and the worker side of plugins.
 * docs/plugins.md and docs/tools-and-hooks.md show how they fit together.
 *
 * @module
 */

export { servePlugin } from "./sdk/worker.ts";
export type { PluginDefinition } from "./sdk/worker.ts";
export type { Channel, ChannelTraits, Plugin, PluginHealth, PluginHost } from "./core/plugin.ts";
export type {
  Attachment,
  Inbound,
  MediaFile,
  Outbound,
  Receipt,
  Sender,
  WebhookRequest,
  WebhookResponse,
} from "./core/message.ts";
export { newTextResult } from "./core/tool.ts";
export type { JsonSchema, Tool, ToolContent, ToolContext, ToolEffect, ToolResult } from "./core/tool.ts";
export type { AnyHook, Hook, HookName, HookPayloads, HookVerdict } from "./core/hook.ts";
export { parseSessionId, toSessionId } from "./core/session.ts";
export type { SessionKey } from "./core/session.ts";
export { AppError, errorKinds, toAppError } from "./core/error.ts";
export type { AppErrorOptions, ErrorKind } from "./core/error.ts";
export { newSecret } from "./core/secret.ts";
export type { Secret } from "./core/secret.ts";
export type { Log, LogFields, LogLevel } from "./core/log.ts";
export { version } from "./core/version.ts";
