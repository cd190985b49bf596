import type { z } from "zod";
import type { ConfigDocument } from "./document.ts";
import type { ConfigFault } from "./fault.ts";
import { toFaults, valueAt } from "./issues.ts";
import type { Path } from "./path.ts";
import { toShape } from "./shape.ts";

/** Checks values against schemas and keeps what is wrong with them. */
export interface Gatherer {
  readonly faults: readonly ConfigFault[];
  /** Checks what stands at `at` (by default the whole document), or `value` in its place. A faulty value is none. */
  check<S extends z.ZodType>(schema: S, document: ConfigDocument, at?: Path, value?: unknown): z.output<S> | undefined;
}

/** Makes a {@linkcode Gatherer} that has seen nothing yet. */
export function newGatherer(): Gatherer {
  const faults: ConfigFault[] = [];
  return {
    faults,
    check(schema, document, at = [], value = valueAt(document.value, at)) {
      const parsed = schema.safeParse(value);
      if (parsed.success) return parsed.data;
      faults.push(...toFaults(parsed.error.issues, { document, at, value, shape: toShape(schema) }));
      return undefined;
    },
  };
}
