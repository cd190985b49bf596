import type { Clock } from "../core/clock.ts";

/** What went over one subject of the bus. */
export interface SubjectTraffic {
  readonly subject: string;
  /** Events and questions that were put on the bus since the process began. */
  readonly came: number;
  /** How often one was handed on: to a consumer, a listener, an answerer, or NATS. */
  readonly went: number;
  /** Of {@linkcode SubjectTraffic.came}: in the last minute. */
  readonly cameLastMinute: number;
  /** Of {@linkcode SubjectTraffic.went}: in the last minute. */
  readonly wentLastMinute: number;
  /** When it last was used, milliseconds since the epoch. */
  readonly lastAtMs: number;
}

/** Counts what goes over the bus, subject by subject. */
export interface Traffic {
  came(subject: string): void;
  went(subject: string, times?: number): void;
  /** By subject. */
  read(): readonly SubjectTraffic[];
}

/** Programs outside can make up subjects: those that come later are counted together, as {@linkcode otherSubjects}. */
const maxSubjects = 500;
/** Stands for all subjects that are not counted one by one; nothing can be published on it. */
export const otherSubjects = ">";
const slots = 12;
const slotMs = 5_000;

interface Counter {
  came: number;
  went: number;
  lastAtMs: number;
  /** Number of the newest slot. */
  slot: number;
  readonly cameIn: Uint32Array;
  readonly wentIn: Uint32Array;
}

/** Makes {@linkcode Traffic} that counts in place: one message costs a look into a map and two additions. */
export function newTraffic(clock: Clock): Traffic {
  const counters = new Map<string, Counter>();
  const currentSlot = () => Math.floor(clock.monotonic() / slotMs);

  const use = (subject: string): Counter => {
    let counter = counters.get(subject);
    if (counter === undefined) {
      if (counters.size >= maxSubjects && subject !== otherSubjects) return use(otherSubjects);
      counter = {
        came: 0,
        went: 0,
        lastAtMs: 0,
        slot: currentSlot(),
        cameIn: new Uint32Array(slots),
        wentIn: new Uint32Array(slots),
      };
      counters.set(subject, counter);
    }
    forgetOld(counter, currentSlot());
    counter.lastAtMs = clock.now();
    return counter;
  };
  const add = (slot: Uint32Array, counter: Counter, times: number) => {
    const at = counter.slot % slots;
    slot[at] = (slot[at] ?? 0) + times;
  };

  return {
    came(subject) {
      const counter = use(subject);
      counter.came++;
      add(counter.cameIn, counter, 1);
    },
    went(subject, times = 1) {
      if (times === 0) return;
      const counter = use(subject);
      counter.went += times;
      add(counter.wentIn, counter, times);
    },
    read() {
      const slot = currentSlot();
      return [...counters].map(([subject, counter]) => {
        forgetOld(counter, slot);
        const { came, went, lastAtMs, cameIn, wentIn } = counter;
        return { subject, came, went, cameLastMinute: sum(cameIn), wentLastMinute: sum(wentIn), lastAtMs };
      }).sort((one, other) => one.subject < other.subject ? -1 : 1);
    },
  };
}

/** Empties the slots that lie between the newest one and `slot`. */
function forgetOld(counter: Counter, slot: number): void {
  for (let passed = Math.min(slot - counter.slot, slots); passed > 0; passed--) {
    const at = (slot - passed + 1) % slots;
    counter.cameIn[at] = 0;
    counter.wentIn[at] = 0;
  }
  counter.slot = slot;
}

function sum(counts: Uint32Array): number {
  return counts.reduce((total, count) => total + count, 0);
}
