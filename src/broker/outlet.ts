import type { NatsConfig } from "../config/broker.ts";
import type { Published } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError, toErrorRecord } from "../core/error.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { writeDeadLetter } from "../ledger/dead.ts";
import {
  dropSpilled,
  noteSpillAttempt,
  readSpill,
  readSpillLanes,
  spillEvent,
  type SpillRow,
} from "../ledger/spill.ts";
import { type BreakerPass, type BreakerState, newBreaker } from "../resilience/breaker.ts";
import type { Link, Session } from "./link.ts";
import { isBlameless, isRefusal, type Parcel, post } from "./post.ts";

/**
 * The way of durable events to NATS. While NATS is away they wait on disk; on each subject they arrive in the order in
 * which they were sent, as nothing overtakes what waits.
 */
export interface Outlet extends AsyncDisposable {
  /**
   * Resolves when the event cannot be lost: NATS has it, or the disk.
   *
   * @throws {AppError} `invalid` or `denied` for what NATS will never take; `unavailable` when there is no room.
   */
  send(parcel: Parcel): Promise<Published>;
  /** Events that wait on disk. */
  readonly spilled: number;
  /** Part of the room on disk that is used. */
  readonly fill: number;
  readonly breaker: BreakerState;
  /** Looks for events that were not spilled here: replayed dead letters. */
  rescan(): void;
}

/** What {@linkcode openOutlet} needs. */
export interface OutletDeps {
  readonly link: Pick<Link, "state">;
  readonly ledger: Ledger;
  readonly prefix: string;
  readonly limits: NatsConfig["limits"];
  /** Told of each event that NATS has taken. */
  onPosted(subject: string): void;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

interface Item {
  /** Place in the order of sending. */
  readonly seq: number;
  readonly parcel: Parcel;
  resolve(published: Published): void;
  reject(error: AppError): void;
}

/** One subject. It lives while something is under way or waits. */
interface Lane {
  readonly subject: string;
  /** Sent and not yet answered. */
  inFlight: number;
  /** What failed, and what came behind it, until everything in flight is answered and the order is known. */
  held: Item[];
  rows: number;
  /** Characters, which is near enough. */
  bytes: number;
  /** Of the rows: not yet on disk. */
  inserting: number;
  draining: boolean;
  /** On the monotonic clock. */
  restUntilMs: number;
  restMs: number;
}

/** Rows of a subject in flight while draining, and bytes of them in memory. */
const pageRows = 256;
const pageBytes = 4_000_000;
const parallelDrains = 8;
/** Tries of an event that NATS refuses, before it becomes a dead letter. */
const refusedAttempts = 5;
const firstRestMs = 250;
const longestRestMs = 30_000;
const lookEveryMs = 250;
/** From this part of the room on publishers are slowed, by this much at its end. */
const slowFrom = 0.8;
const slowestMs = 250;
/** Copies for listeners leave the rest of the room to events that nobody has handled yet. */
const copiesUpTo = 0.5;
const breakerOpenMs = 1_000;
const breakerMaxOpenMs = 30_000;

/** Opens the outlet and sends what the process before left on disk. */
export function openOutlet({ link, ledger, prefix, limits, onPosted, log, metrics, clock }: OutletDeps): Outlet {
  const closing = new AbortController();
  const lanes = new Map<string, Lane>();
  const total = { rows: 0, bytes: 0 };
  let nextSeq = 0;
  let drains = 0;
  let busy = 0;
  /** Of what is busy: who changes the table. */
  let writing = 0;
  let isCountDue = false;
  let idle = () => {};
  let wake = () => {};
  let filledAtMs = 0;
  metrics.gauge("nexo_breaker_state", { breaker: "nats" }, 0);
  const breaker = newBreaker({
    name: "NATS",
    clock,
    openMs: breakerOpenMs,
    maxOpenMs: breakerMaxOpenMs,
    onChange(state) {
      metrics.gauge("nexo_breaker_state", { breaker: "nats" }, state === "closed" ? 0 : state === "open" ? 2 : 1);
      log.warn("nats.breaker", { state });
    },
  });

  const currentSession = (): Session | undefined =>
    link.state.current.state === "up" ? link.state.current.session : undefined;
  const fill = () => Math.max(total.rows / limits.max_spill_rows, total.bytes / limits.max_spill_bytes);
  // While it is not closed events wait on disk, and draining finds out by single probes when NATS takes them again.
  const tryPass = (): BreakerPass | undefined => breaker.state === "closed" ? breaker.allow() : undefined;

  const laneOf = (subject: string): Lane => {
    let lane = lanes.get(subject);
    if (lane === undefined) {
      lane = {
        subject,
        inFlight: 0,
        held: [],
        rows: 0,
        bytes: 0,
        inserting: 0,
        draining: false,
        restUntilMs: 0,
        restMs: firstRestMs,
      };
      lanes.set(subject, lane);
    }
    return lane;
  };
  const tidy = (lane: Lane): void => {
    const isIdle = lane.inFlight === 0 && lane.held.length === 0 && lane.rows === 0 && !lane.draining;
    if (isIdle && lanes.get(lane.subject) === lane) lanes.delete(lane.subject);
  };
  const addRows = (lane: Lane, rows: number, bytes: number): void => {
    if (total.rows === 0 && rows > 0) {
      filledAtMs = clock.monotonic();
      log.warn("nats.spilling", { subject: lane.subject });
    }
    lane.rows += rows;
    lane.bytes += bytes;
    total.rows += rows;
    total.bytes += bytes;
    if (total.rows === 0 && rows < 0) {
      log.info("nats.drained", { tookMs: Math.round(clock.monotonic() - filledAtMs) });
    }
  };
  const begin = () => busy++;
  const end = () => {
    if (--busy === 0) idle();
  };
  const beginWriting = () => {
    writing++;
    begin();
  };
  const endWriting = () => {
    writing--;
    if (writing === 0 && isCountDue) count();
    end();
  };

  /** Sends at once. What NATS does not take is spilled, in the order of sending. */
  const sendNow = async (lane: Lane, session: Session, pass: BreakerPass, item: Item): Promise<void> => {
    lane.inFlight++;
    begin();
    const error = await tryPost(session, pass, item.parcel);
    lane.inFlight--;
    if (typeof error !== "object") item.resolve({ duplicate: error });
    else if (isRefusal(error)) item.reject(error);
    else lane.held.push(item);
    if (lane.inFlight === 0 && lane.held.length > 0) {
      const held = lane.held.sort((a, b) => a.seq - b.seq);
      lane.held = [];
      for (const one of held) spill(lane, one);
    }
    tidy(lane);
    end();
  };

  /** Gives the error, or whether NATS had the event already. */
  const tryPost = async (session: Session, pass: BreakerPass, parcel: Parcel): Promise<AppError | boolean> => {
    try {
      const { duplicate } = await post(session, prefix, parcel);
      pass.succeeded();
      onPosted(parcel.subject);
      return duplicate;
    } catch (thrown) {
      const error = toAppError(thrown);
      if (isBlameless(error)) pass.abandoned();
      else pass.failed(error);
      return error;
    }
  };

  const spill = (lane: Lane, { parcel, resolve, reject }: Item): void => {
    const part = fill();
    if (parcel.copy && part >= copiesUpTo) {
      metrics.count("nexo_refusals_total", { part: "bus", reason: "copy_skipped" });
      return resolve({ duplicate: false });
    }
    if (part >= 1) return reject(newFullError(total.rows));
    const bytes = parcel.text.length;
    addRows(lane, 1, bytes);
    lane.inserting++;
    beginWriting();
    ledger.commit([spillEvent(parcel, clock.now())]).then(([rows]) => {
      const isNew = rows?.[0] !== undefined;
      if (!isNew) addRows(lane, -1, -bytes);
      resolve({ duplicate: !isNew });
    }, (thrown) => {
      addRows(lane, -1, -bytes);
      reject(toAppError(thrown));
    }).finally(() => {
      lane.inserting--;
      tidy(lane);
      wake();
      endWriting();
    });
  };

  /** Starts draining whatever can be drained. */
  const kick = (): void => {
    const session = currentSession();
    if (session === undefined || closing.signal.aborted) return;
    const nowMs = clock.monotonic();
    for (const lane of lanes.values()) {
      if (drains >= parallelDrains) return;
      if (!lane.draining && lane.rows > lane.inserting && lane.restUntilMs <= nowMs) drain(lane, session);
    }
  };

  const drain = (lane: Lane, session: Session): void => {
    lane.draining = true;
    drains++;
    beginWriting();
    drainLane(lane, session).catch((thrown) => {
      rest(lane);
      log.error("nats.drain_failed", { subject: lane.subject, error: toAppError(thrown).message });
    }).finally(() => {
      lane.draining = false;
      drains--;
      tidy(lane);
      kick();
      endWriting();
    });
  };

  const drainLane = async (lane: Lane, session: Session): Promise<void> => {
    let dropping: Promise<void> = Promise.resolve();
    try {
      for (let afterId = 0; !closing.signal.aborted && !session.signal.aborted;) {
        const page = cutBeforeLarge(readSpill(ledger.read, lane.subject, afterId, pageSizeOf(lane)), session);
        const last = page.at(-1);
        if (last === undefined) {
          await dropping;
          // Nothing is there and nothing is on its way: the count was wrong, and must not hold up the subject.
          if (afterId === 0 && lane.inserting === 0) addRows(lane, -lane.rows, -lane.bytes);
          return;
        }
        const outcomes = await sendPage(session, page);
        await dropping;
        dropping = drop(lane, page.filter((_, index) => outcomes[index] === undefined));
        dropping.catch(() => {}); // told below, where it is awaited; until then the next page is under way
        const failed = outcomes.findIndex((outcome) => outcome !== undefined);
        const [row, error] = [page[failed], outcomes[failed]];
        if (row !== undefined && error !== undefined) {
          await dropping;
          if (!await settleFailure(lane, row, error)) return;
          afterId = 0;
        } else {
          afterId = last.id;
          lane.restMs = firstRestMs;
        }
      }
    } finally {
      await dropping;
    }
  };

  /** While the breaker is not closed one event goes alone, to find out. */
  const pageSizeOf = (lane: Lane): number => {
    if (breaker.state !== "closed") return 1;
    const meanBytes = lane.bytes / Math.max(lane.rows, 1);
    return Math.max(1, Math.min(pageRows, Math.floor(pageBytes / Math.max(meanBytes, 1))));
  };

  /** Sends a page in order. Gives the error of each row that NATS did not take. */
  const sendPage = (session: Session, page: readonly SpillRow[]): Promise<readonly (AppError | undefined)[]> =>
    Promise.all(page.map(async (row) => {
      try {
        const outcome = await tryPost(session, breaker.allow(), row);
        return typeof outcome === "object" ? outcome : undefined;
      } catch (thrown) {
        return toAppError(thrown); // the breaker's: it opened meanwhile
      }
    }));

  const drop = async (lane: Lane, rows: readonly SpillRow[]): Promise<void> => {
    if (rows.length === 0) return;
    await ledger.commit([dropSpilled(rows.map(({ id }) => id))]);
    addRows(lane, -rows.length, -rows.reduce((sum, { text }) => sum + text.length, 0));
  };

  /** Gives whether the subject can go on at once. */
  const settleFailure = async (lane: Lane, row: SpillRow, error: AppError): Promise<boolean> => {
    if (error.reason === "connection_lost") return false;
    if (error.reason === "breaker_open") {
      lane.restUntilMs = clock.monotonic() + (error.retryAfterMs ?? breakerOpenMs);
      return false;
    }
    if (isRefusal(error) && row.attempts + 1 >= refusedAttempts) {
      await bury(lane, row, error);
      return true;
    }
    await ledger.commit([noteSpillAttempt(row.id, error.message)]);
    log.info("nats.spill_retry", {
      subject: lane.subject,
      attempts: row.attempts + 1,
      kind: error.kind,
      error: error.message,
    });
    rest(lane);
    return false;
  };

  const rest = (lane: Lane): void => {
    lane.restUntilMs = clock.monotonic() + lane.restMs * (0.5 + Math.random() / 2);
    lane.restMs = Math.min(lane.restMs * 2, longestRestMs);
  };

  const bury = async (lane: Lane, row: SpillRow, error: AppError): Promise<void> => {
    await ledger.commit([
      writeDeadLetter({
        hop: "spill",
        subject: row.subject,
        eventId: row.eventId,
        cause: toErrorRecord(error),
        attempts: row.attempts + 1,
        body: row.text,
        firstAt: new Date(row.spilledAtMs).toISOString(),
      }, clock.now()),
      dropSpilled([row.id]),
    ]);
    addRows(lane, -1, -row.text.length);
    metrics.count("nexo_dead_letters_total", { hop: "spill", kind: error.kind });
    log.error("nats.event_dead", { subject: row.subject, kind: error.kind, error: error.message });
  };

  const count = (): void => {
    isCountDue = false;
    const found = new Map(readSpillLanes(ledger.read).map((lane) => [lane.subject, lane]));
    for (const subject of new Set([...found.keys(), ...lanes.keys()])) {
      const lane = laneOf(subject);
      const { rows = 0, size = 0 } = found.get(subject) ?? {};
      addRows(lane, rows - lane.rows, size - lane.bytes);
      tidy(lane);
    }
    wake();
  };

  /** The table can be counted only while nobody writes to it. */
  const rescan = (): void => {
    isCountDue = true;
    if (writing === 0) count();
  };

  /** Looks again and again while something waits: a server may come to take what it refused. */
  const look = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      if (total.rows === 0) await new Promise<void>((resolve) => wake = resolve);
      kick();
      await clock.wait(lookEveryMs, closing.signal).catch(() => {/* closing, see the loop */});
    }
  };

  const followLink = async (): Promise<void> => {
    for await (const { state } of link.state.changes(closing.signal)) {
      if (state !== "up") continue;
      for (const lane of lanes.values()) lane.restUntilMs = 0;
      kick();
    }
  };

  rescan();
  const background = Promise.all([look(), followLink()]);
  return {
    get spilled() {
      return total.rows;
    },
    get fill() {
      return fill();
    },
    get breaker() {
      return breaker.state;
    },
    rescan,
    async send(parcel) {
      if (closing.signal.aborted) throw new AppError("unavailable", "The bus is closed: the process is stopping");
      const lane = laneOf(parcel.subject);
      const { promise, resolve, reject } = Promise.withResolvers<Published>();
      const item: Item = { seq: nextSeq++, parcel, resolve, reject };
      const session = lane.held.length === 0 && lane.rows === 0 ? currentSession() : undefined;
      const pass = session === undefined ? undefined : tryPass();
      if (lane.held.length > 0) lane.held.push(item);
      else if (session !== undefined && pass !== undefined) sendNow(lane, session, pass, item);
      else spill(lane, item);
      const published = await promise;
      // Slowed behind the storing, so that the order stays.
      const over = fill() - slowFrom;
      if (over > 0) await clock.wait(slowestMs * Math.min(1, over / (1 - slowFrom)), closing.signal).catch(() => {});
      return published;
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new AppError("cancelled", "The bus is closing"));
      wake();
      if (busy > 0) await new Promise<void>((resolve) => idle = resolve);
      await background;
    },
  };
}

/** What is too large for the server goes alone: nothing behind it may overtake it while it is tried. */
function cutBeforeLarge(page: readonly SpillRow[], { connection }: Session): readonly SpillRow[] {
  const limit = connection.info?.max_payload ?? Infinity;
  const large = page.findIndex(({ text }) => text.length > limit);
  return large < 0 ? page : page.slice(0, Math.max(large, 1));
}

function newFullError(rows: number): AppError {
  return new AppError("unavailable", `NATS is away and ${rows} events wait for it: there is no room for more`, {
    reason: "spill_full",
    retryAfterMs: 1_000,
  });
}
