import { z } from "zod";
import { maxLineBytes } from "../child/spec.ts";
import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import type { NatsWire } from "../core/nats_wire.ts";
import { toShownText } from "../core/shown_text.ts";
import { orAborted } from "../resilience/abort.ts";
import { greet } from "./link.ts";
import type { Manifest } from "./manifest.ts";
import { newRpc } from "./rpc.ts";
import { newNotified } from "./notified.ts";
import type { Connection } from "./supervisor.ts";

/** What {@linkcode connectNats} needs. */
export interface NatsDeps {
  readonly manifest: Manifest;
  /** SHA-256 of the text of its manifest, as we have it. */
  readonly manifestHash: string;
  readonly wire: NatsWire;
  readonly log: Log;
  readonly clock: Clock;
}

const announcementSchema = z.object({
  schema_version: z.literal(1).default(1),
  id: z.string().max(200),
  version: z.string().max(100),
  /** SHA-256 of its plugin.toml. Absent: it does not say. */
  manifest_hash: z.string().max(200).optional(),
});

/** Three heartbeats of 15 seconds. */
const lostMs = 45_000;

/** Subjects of an extension that is reached over NATS. */
export function toSubjects(prefix: string, id: string) {
  return {
    /** It says that it is there: `{ id, version, manifest_hash? }`. */
    announce: `${prefix}.registry.announce`,
    /** We ask everybody to announce themselves. */
    request: `${prefix}.registry.request`,
    /** It lives. */
    heartbeat: `${prefix}.registry.heartbeat.${id}`,
    /** It is about to go. */
    shutdown: `${prefix}.registry.shutdown.${id}`,
    /** Requests of JSON-RPC, answered with replies. */
    rpc: `${prefix}.${id}.rpc`,
    /** Notifications of JSON-RPC. */
    event: `${prefix}.${id}.event`,
  };
}

/**
 * Waits until an extension announces itself as what its manifest says, and greets it.
 *
 * @throws {AppError} `conflict` for one that is another than the manifest here; the signal's reason when it fires.
 */
export async function connectNats(deps: NatsDeps, signal: AbortSignal): Promise<Connection> {
  const { manifest, wire, log, clock } = deps;
  const { transport, id } = manifest;
  if (transport.type !== "nats") throw new AppError("bug", `${id} is not reached over NATS`);
  const subjects = toSubjects(transport.subject_prefix, id);
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  const announced = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<string>();
  let heardAt = clock.monotonic();

  const giveUp = (why: string): void => {
    if (over.signal.aborted) return;
    over.abort();
    const error = new AppError("unavailable", why, { retryAfterMs: 1_000 });
    rpc.end(error);
    announced.reject(error);
    ended.resolve(why);
  };
  const rpc = newRpc({
    name: id,
    clock,
    async write(line) {
      // Who cancels waits for nothing.
      if (!line.includes('"id":') || line.includes('"method":"$/cancel"')) return wire.publish(subjects.rpc, line);
      take(await wire.request(subjects.rpc, line, toPatienceMs(manifest)));
    },
    notified: newNotified(id, log, clock),
    broken: giveUp,
  });
  const take = (text: string): void => {
    heardAt = clock.monotonic();
    if (text.length > maxLineBytes) giveUp(`It sent a message of more than ${maxLineBytes} characters`);
    else rpc.take(text);
  };

  wire.listen(subjects.announce, {
    take(text) {
      const announcement = parseAnnouncement(text);
      if (announcement?.id !== id) return;
      heardAt = clock.monotonic();
      const fault = findFault(announcement, deps);
      if (fault === undefined) announced.resolve();
      else giveUp(fault);
    },
    connected: () => wire.publish(subjects.request, JSON.stringify({ requested_by: "nexo" })),
  }, stop);
  wire.listen(subjects.heartbeat, { take: () => void (heardAt = clock.monotonic()) }, stop);
  wire.listen(subjects.shutdown, { take: () => giveUp("It said that it goes") }, stop);
  wire.listen(subjects.event, { take }, stop);

  try {
    await orAborted(announced.promise, signal);
    const offer = await greet(rpc, manifest, signal);
    watchHeartbeat();
    return {
      rpc,
      offer,
      confinement: undefined,
      ended: ended.promise,
      giveUp,
      [Symbol.asyncDispose]() {
        giveUp("It was closed");
        return Promise.resolve();
      },
    };
  } catch (thrown) {
    over.abort();
    throw thrown;
  }

  async function watchHeartbeat(): Promise<void> {
    for (let left = lostMs; left > 0; left = lostMs - (clock.monotonic() - heardAt)) {
      if (!await clock.wait(left, stop).then(() => true, () => false)) return;
    }
    giveUp(`It was not heard of for ${lostMs / 1_000} s`);
  }
}

/** Any process on NATS can announce anything: only what the manifest here says is believed. */
function findFault(
  announcement: z.output<typeof announcementSchema>,
  { manifest, manifestHash }: NatsDeps,
): string | undefined {
  if (announcement.version !== manifest.version) {
    const version = toShownText(announcement.version, 50);
    return `It announced itself as version ${version}, and its manifest here says ${manifest.version}. Install the same here`;
  }
  if (announcement.manifest_hash !== undefined && announcement.manifest_hash !== manifestHash) {
    return "It announced itself with another manifest than the one here. Install the same here";
  }
  return undefined;
}

function parseAnnouncement(text: string) {
  if (text.length > maxLineBytes) return undefined;
  try {
    return announcementSchema.safeParse(JSON.parse(text)).data;
  } catch (thrown) {
    // Whoever else speaks on this subject is no extension of ours.
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

/** Longer than any deadline of ours, so that it is ours which ends a call. */
function toPatienceMs({ limits, tools, hooks }: Manifest): number {
  const deadlines = [...tools.map(({ deadline = 0 }) => deadline), ...hooks.map(({ deadline }) => deadline)];
  return Math.max(limits.call, limits.handshake, ...deadlines) + 5_000;
}
