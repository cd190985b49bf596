import { z } from "zod";

/** The query of every paged list. */
export const pageFields = {
  /** The `next` of the page before. */
  before: z.string().min(1).max(1_000).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
};

/** A page of a list, newest first. `next` is the cursor of the page after it; absent: this was the last. */
export function pageSchema<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next: z.string().optional() });
}

/** A page of a list, newest first. `next` is the cursor of the page after it; absent: this was the last. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string | undefined;
}

/** Query of `GET /api/sessions/:id/messages`. */
export const pageRequestSchema = z.object(pageFields);
/** Query of `GET /api/sessions/:id/messages`. */
export type PageRequest = z.output<typeof pageRequestSchema>;
