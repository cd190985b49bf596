import { z } from "zod";

/** What one dream does: made once, journaled, then carried out. A process that dies goes on with it and repeats nothing. */
export const dreamPlanSchema = z.object({
  /** Facts that were recalled often: they go into MEMORY.md. */
  promoted: z.array(z.object({ id: z.string(), text: z.string(), recallCount: z.number() })),
  /** Facts that said nearly the same, and what stands in their place. Texts go once the dream is done. */
  merged: z.array(z.object({
    replaced: z.array(z.string()),
    text: z.string(),
    /** Everybody may know it: so it may stand in DREAMS.md. */
    isOpen: z.boolean(),
    /** What was replaced, where everybody may know it. */
    before: z.array(z.string()),
    /** Id of the fact that replaced them, once it is there. */
    made: z.string().optional(),
  })),
  /** Facts that nobody asked for, and how much they weigh from now on. */
  faded: z.array(z.object({
    id: z.string(),
    before: z.number(),
    after: z.number(),
    /** Absent: not everybody may know it. */
    text: z.string().optional(),
  })),
});
/** What one dream does. */
export type DreamPlan = z.output<typeof dreamPlanSchema>;

/** One dream of an agent. */
export const dreamSchema = z.object({
  id: z.string(),
  agent: z.string(),
  /** `planned`: under way, and gone on with at the next start. `reverting`: being undone. */
  state: z.enum(["planned", "done", "reverting", "reverted"]),
  /** Milliseconds since the epoch. */
  startedAtMs: z.number(),
  /** The commit of the workspace that it made. */
  commit: z.string().optional(),
  plan: dreamPlanSchema,
});
/** One dream of an agent. */
export type Dream = z.output<typeof dreamSchema>;

/** The dreams of all agents. */
export interface Dreams {
  /**
   * Dreams now. With `dryRun` nothing is changed, and no model is asked. `undefined` where there was nothing to do.
   *
   * @throws {AppError} `missing` for an unknown agent; `conflict` while it dreams already.
   */
  dream(agent: string, options: { readonly dryRun: boolean }, signal: AbortSignal): Promise<Dream | undefined>;
  /** Gives facts back as they were before a dream, by the commit that it made. Gives whether it was one. */
  takeBack(agent: string, commit: string, signal: AbortSignal): Promise<boolean>;
}
