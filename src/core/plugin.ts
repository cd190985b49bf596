import type { z } from "zod";
import type { InboundDraft, MediaFile, Outbound, Receipt, WebhookRequest, WebhookResponse } from "./message.ts";
import type { Log } from "./log.ts";
import type { PluginTool, PluginToolAnswerDraft, PluginToolCall } from "./plugin_tool.ts";

/** What a channel can do, and how it treats a message that is sent twice. */
export interface ChannelTraits {
  /**
   * Whether sending the same key twice shows one message. Where it does not, a send is journaled before it starts, and
   * one whose answer was never seen is flagged `unknown`.
   */
  readonly idempotentSend: boolean;
  /** Whether the channel can show that somebody is writing. */
  readonly typing: boolean;
}

/**
 * A channel plugin as the host sees it: how to configure it, where its worker is, and what that worker may touch.
 * `S` is the schema of one instance's config.
 */
export interface Plugin<S extends z.ZodType = z.ZodType> {
  /** Token of subjects and key of config: `telegram`. */
  readonly id: string;
  readonly config: S;
  /** The module that runs in the worker; it calls `servePlugin` of the SDK. */
  readonly worker: URL;
  readonly traits: ChannelTraits;
  /** What it offers to agents that are bound to it. Absent: nothing. */
  readonly tools?: readonly PluginTool[];
  /**
   * Files of an instance's folder, or beginnings of their names, that give access to its account. A backup holds them
   * only when it is encrypted. Absent: none does.
   */
  readonly credentials?: readonly string[];
  /** Derived from the config; shown in wizard and console. `stateDir` is the instance's own folder. */
  permissions(config: z.output<S>, stateDir: string): Deno.PermissionOptionsObject;
  /**
   * The account with its provider, as a text that is only compared: two instances on one account would take each other's
   * messages, and the config that says so is refused. Absent: instances may share one.
   */
  account?(config: z.output<S>): string;
  /**
   * Asks the provider, from outside of a worker and without touching what waits there, whether it takes the account.
   * Gives who that is: `@my_bot`. Absent: only a running worker can tell.
   *
   * @throws {AppError} what the provider answered.
   */
  probe?(config: z.output<S>, signal: AbortSignal): Promise<string>;
  /**
   * Takes away, while no worker runs, what links an instance with its account, so that it waits to be linked anew.
   * Absent: there is nothing to link.
   */
  unlink?(stateDir: string): Promise<void>;
  /**
   * Takes out of an instance's folder what it holds of a person. Its files are there; its worker may run meanwhile.
   * Absent: the plugin keeps nothing of people.
   */
  forget?(stateDir: string, sender: ForgottenSender): Promise<void>;
}

/** A person of whom nothing is to be kept. */
export interface ForgottenSender {
  /** As the provider knows them. */
  readonly senderId: string;
  /** Keys of the messages that were sent to them. */
  readonly keys: readonly string[];
}

/** What the code in the worker is given. */
export interface PluginHost<C> {
  readonly instance: string;
  readonly config: C;
  /** The instance's own folder; the only one it may read and write. */
  readonly stateDir: string;
  readonly log: Log;
  /** Stop receiving. Sending goes on until the worker is told that it is over. */
  readonly signal: AbortSignal;
  /**
   * Hands a message to the runtime. Resolves when it cannot be lost, and only then the provider's cursor may move.
   * Waits while the runtime is overloaded.
   *
   * @throws {AppError} `invalid` for a message that no retry can save; `unavailable` when it must be tried again.
   */
  receive(message: InboundDraft): Promise<void>;
  /** Fetches a secret of this instance by its config name. */
  secret(name: string): Promise<string>;
  /** Tells how the connection stands: shown in `/ready`, status and console. */
  report(health: PluginHealth): void;
}

/** How an instance's connection to its provider stands. */
export interface PluginHealth {
  readonly state: "starting" | "up" | "degraded" | "down";
  /** A sentence for the operator, with the remedy. */
  readonly reason?: string;
  /** Who the instance is with the provider: `@my_bot`. */
  readonly identity?: string;
  /** How to link the account, while it waits for that. Whoever holds it can link another account: never logged. */
  readonly pairing?: Pairing;
}

/** How an operator links an account: by scanning a QR code, or by typing a code on the phone. */
export type Pairing =
  | {
    /** Text of the QR code. */
    readonly qr: string;
    /** When another one takes its place, ISO 8601 UTC. */
    readonly expiresAt: string;
  }
  | { readonly code: string };

/** The sending side of a plugin. */
export interface Channel {
  /**
   * Sends one message and gives the provider's ids.
   *
   * @throws {AppError} `unavailable` (try later, `retryAfterMs`), `denied`/`missing`/`invalid` (never will work).
   */
  send(message: Outbound, signal: AbortSignal): Promise<Receipt>;
  /** What became of a send whose answer we never saw. Absent: the provider cannot tell. */
  find?(key: string, signal: AbortSignal): Promise<Receipt | undefined>;
  /** Shows that somebody is writing, for a few seconds. */
  typing?(conversation: string, thread: string | undefined, signal: AbortSignal): Promise<void>;
  /** Answers a request that the provider made to our public webhook address. */
  webhook?(request: WebhookRequest, signal: AbortSignal): Promise<WebhookResponse>;
  /** Fetches an attachment into the instance's folder. */
  fetch?(ref: string, limits: { readonly maxBytes: number }, signal: AbortSignal): Promise<MediaFile>;
  /**
   * Runs one of the plugin's tools. Its input fits the schema. Bad input beyond that is an `isError` result for the model,
   * and so is what cannot be found; a throw is a failure of the tool.
   */
  tool?(call: PluginToolCall, signal: AbortSignal): Promise<PluginToolAnswerDraft>;
}
