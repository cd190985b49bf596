import type { BaileysEventMap, WAMessage, WASocket } from "baileys";
import type { Clock } from "../../src/core/clock.ts";
import { AppError, toAppError } from "../../src/core/error.ts";
import type { Log } from "../../src/core/log.ts";
import type { PluginHealth } from "../../src/core/plugin.ts";
import type { AuthStore } from "./auth_store.ts";
import type { WhatsAppConfig } from "./config.ts";
import { toStatusCode } from "./errors.ts";
import { holdBack } from "./gate.ts";
import { newLibraryLogger } from "./logger.ts";
import { toFate } from "./fate.ts";
import { keepAliveMs, openSocket } from "./socket.ts";
import { watchTraffic } from "./traffic.ts";

/** The connection of one account: made again whenever it breaks, until WhatsApp does not want it any more. */
export interface Connection extends AsyncDisposable {
  /** The open socket. @throws {AppError} `unavailable` with the reason why there is none. */
  socket(): WASocket;
  /** Resolves when the first try has come to something: a connection, a pairing to be made, a failure. */
  readonly settled: Promise<void>;
}

/** What a connection needs. */
export interface ConnectionDeps {
  readonly config: Pick<WhatsAppConfig, "url" | "pairing_phone">;
  readonly store: AuthStore;
  readonly log: Log;
  readonly clock: Clock;
  /** Fires when messages are not received any more. */
  readonly receiving: AbortSignal;
  report(health: PluginHealth): void;
  /** Resolves when the runtime has the message, or never will take it. */
  give(message: WAMessage): Promise<void>;
  findSentContent(id: string): Uint8Array | undefined;
}

type Update = BaileysEventMap["connection.update"];

/** A ping that was asked for should be answered within seconds. */
const maxSilenceMs = keepAliveMs + 15_000;
/** How long WhatsApp takes a QR code; the first one of a connection lives longer. */
const firstQrMs = 60_000;
const qrMs = 20_000;
const firstRetryMs = 1_000;
const maxRetryMs = 60_000;
/** A connection that held for this long had nothing to do with the failures before it. */
const settledMs = 60_000;

/** Connects, and reports how it goes. Does not wait for it. */
export function openConnection(deps: ConnectionDeps): Connection {
  const { config, store, log, clock } = deps;
  const closing = new AbortController();
  const settled = Promise.withResolvers<void>();
  const logger = newLibraryLogger(log);
  let current: WASocket | undefined;
  let health: PluginHealth = { state: "starting", reason: "It connects to WhatsApp" };

  function report(told: PluginHealth): void {
    health = told;
    deps.report(told);
    if (told.state !== "starting") settled.resolve();
  }

  function reportUp(): void {
    report({ state: "up", identity: toIdentity(store) });
  }

  async function reportPairing(socket: WASocket, qr: string, isFirst: boolean): Promise<void> {
    if (config.pairing_phone === undefined) {
      const expiresAt = new Date(clock.now() + (isFirst ? firstQrMs : qrMs)).toISOString();
      const reason = "not paired: scan the QR code with WhatsApp on the phone (Settings, Linked devices)";
      return report({ state: "degraded", reason, pairing: { qr, expiresAt } });
    }
    // One code holds for as long as the connection does; further QR codes are not wanted.
    if (!isFirst) return;
    const code = await socket.requestPairingCode(config.pairing_phone);
    const reason = `not paired: type the code on the phone +${config.pairing_phone}` +
      " (Settings, Linked devices, Link with phone number instead)";
    report({ state: "degraded", reason, pairing: { code: `${code.slice(0, 4)}-${code.slice(4)}` } });
  }

  /** One socket from its begin to its end: the status code that it ended with. */
  async function run(): Promise<number> {
    if (!store.isPaired) store.dropHalfPairing();
    const socket = openSocket({ url: config.url, store, logger, findSentContent: deps.findSentContent });
    const ended = new AbortController();
    const closed = Promise.withResolvers<number>();
    let qrs = 0;
    const take = async ({ connection, qr, isNewLogin, lastDisconnect }: Update) => {
      if (connection === "open") {
        current = socket;
        log.info("whatsapp.connected");
        reportUp();
      }
      if (isNewLogin) report({ state: "starting", reason: "The phone has linked it; it connects anew" });
      if (qr !== undefined) await reportPairing(socket, qr, qrs++ === 0);
      if (connection === "close") closed.resolve(toStatusCode(lastDisconnect?.error) ?? 500);
    };
    socket.ev.on("connection.update", (update) => {
      take(update).catch((thrown) => {
        log.error("whatsapp.pairing_failed", { error: toAppError(thrown).message });
        socket.end(undefined);
      });
    });
    // Baileys has put the change into them, and sends nothing that rests on it before this returns.
    socket.ev.on("creds.update", store.save);
    holdBack(socket, {
      store,
      logger,
      give: deps.give,
      signal: AbortSignal.any([deps.receiving, ended.signal]),
      full() {
        log.warn("whatsapp.too_many_held");
        socket.end(undefined);
      },
    });
    const watching = watchTraffic({
      clock,
      maxSilenceMs,
      listen: (heard) => void socket.ws.on("frame", heard),
      silent: (seconds) => {
        if (current === socket) {
          report({
            state: "degraded",
            reason: `Nothing came from WhatsApp for ${seconds} s`,
            identity: toIdentity(store),
          });
        }
      },
      heard: () => {
        if (current === socket) reportUp();
      },
    }, ended.signal);
    const stop = () => void socket.end(undefined);
    closing.signal.addEventListener("abort", stop);
    try {
      return await closed.promise;
    } finally {
      closing.signal.removeEventListener("abort", stop);
      ended.abort();
      current = undefined;
      await watching;
    }
  }

  async function supervise(): Promise<void> {
    for (let failures = 0; !closing.signal.aborted;) {
      const startedAt = clock.monotonic();
      const code = await run();
      if (closing.signal.aborted) return;
      log.info("whatsapp.disconnected", { code });
      const fate = toFate(code, store.isPaired);
      if (fate.kind === "stop") return report({ state: "down", reason: fate.reason });
      if (fate.kind === "pair_anew") {
        store.forget();
        report({ state: "degraded", reason: fate.reason });
      }
      if (clock.monotonic() - startedAt >= settledMs) failures = 0;
      failures++;
      if (fate.kind === "pair_anew" || (fate.kind === "again" && failures === 1)) continue;
      const ceilingMs = Math.min(firstRetryMs * 2 ** (failures - 1), maxRetryMs);
      if (store.isPaired) report({ state: "degraded", reason: fate.reason, identity: toIdentity(store) });
      else report({ state: "degraded", reason: `not paired. ${fate.reason}, and gives a new code` });
      await clock.wait(ceilingMs / 2 + Math.random() * ceilingMs / 2, closing.signal);
    }
  }

  report(health);
  const supervised = supervise().catch((thrown) => {
    if (closing.signal.aborted) return;
    const { message } = toAppError(thrown);
    log.error("whatsapp.connection_failed", { error: message });
    report({ state: "down", reason: message });
  });
  return {
    socket() {
      if (current !== undefined) return current;
      throw new AppError("unavailable", `WhatsApp is not connected: ${health.reason}`, { retryAfterMs: 2_000 });
    },
    settled: settled.promise,
    async [Symbol.asyncDispose]() {
      closing.abort();
      await supervised;
    },
  };
}

/** The account's phone number. */
function toIdentity({ creds }: AuthStore): string {
  return `+${/^\d+/.exec(creds.me?.id ?? "")?.[0] ?? "?"}`;
}
