/** Something wrong (or, as a warning, unwise) in the config, and what to do about it. Never holds a secret. */
export interface ConfigFault {
  /** File as the user named its folder, such as `config/llm.yaml`; or the environment variable at fault. */
  readonly file: string;
  /** 1-based; absent where the fault is the file itself or stands in the environment. */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
  /** Way to the value within the file, such as `agents[0].model`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  readonly remedy: string;
  /** What is there is right, and something is not there yet: an agent, a secret's file, a variable. */
  readonly isUnfinished?: boolean;
}

/** Writes all faults as one report for a terminal. */
export function formatFaults(faults: readonly ConfigFault[]): string {
  const count = faults.length === 1 ? "1 fault" : `${faults.length} faults`;
  const lines = faults.map((fault) => `  ${formatFault(fault)}\n      Remedy: ${fault.remedy}`);
  return [`Cannot load config: ${count}`, ...lines].join("\n");
}

/** Writes where a fault is and what it is, on one line. */
export function formatFault(fault: ConfigFault): string {
  const place = [fault.file, fault.line, fault.column].filter((part) => part !== undefined).join(":");
  return `${place}${fault.path === "" ? "" : ` ${fault.path}`}: ${fault.message}`;
}

/** The candidate that `word` was probably meant to be, or `undefined` where none is near. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  // A third of the word may be wrong: `modle` finds `model`, `warning` finds `warn`.
  let best: { readonly candidate: string; readonly distance: number } | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase().slice(0, 64), candidate.toLowerCase().slice(0, 64));
    const allowed = Math.ceil(Math.max(word.length, candidate.length) / 3);
    if (distance <= allowed && distance < (best?.distance ?? Infinity)) {
      best = { candidate, distance };
    }
  }
  return best?.candidate;
}

/** A question to end a message with, or nothing: ` Did you mean "model"?` */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const candidate = nearest(word, candidates);
  return candidate === undefined ? "" : ` Did you mean "${candidate}"?`;
}

/** Levenshtein distance: how many letters must be added, removed or replaced. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [rowIndex, letter] of [...from].entries()) {
    const next = [rowIndex + 1];
    for (const [index, other] of [...to].entries()) {
      const replaced = (row[index] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
