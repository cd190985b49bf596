import { z } from "zod";
import { toAppError } from "../core/error.ts";
import { audienceSchema, type Fact, type Memory, type Viewer } from "../core/memory.ts";
import { toConversationId } from "../core/session.ts";
import { newTextResult, type Tool, type ToolContext, type ToolResult } from "../core/tool.ts";

/** How much a fact weighs where the model does not say. */
const usualImportance = 0.5;
const recalledFacts = 8;
const maxRecalledFacts = 30;
const listedFacts = 20;
const maxListedFacts = 100;

const tagList = z.array(z.string().min(1).max(64)).max(32);
const day = z.string().refine((text) => !Number.isNaN(Date.parse(text)), "is no date; write it as 2026-11-22");
const filterShape = {
  tags: tagList.optional().describe("Only facts that carry all of these tags"),
  since: day.optional().describe("Only facts told on this day or later, such as 2026-11-01"),
  before: day.optional().describe("Only facts told before this day"),
  person: z.string().max(300).optional().describe("Only facts told by this person, such as telegram:4711"),
};

const rememberInput = z.strictObject({
  text: z.string().describe("One fact, understandable on its own"),
  tags: tagList.optional().describe("A few words to find it by"),
  importance: z.number().min(0).max(1).optional().describe("0 to 1; a name or an allergy is near 1"),
  audience: audienceSchema.optional().describe(
    "Who may be told: person (only who told it; the default in private), conversation (who is in this chat; the default in groups), everyone",
  ),
  supersedes: z.array(z.string().max(64)).max(20).optional().describe("Ids of facts that this one replaces"),
});
const recallInput = z.strictObject({
  query: z.string().describe("What to look for, as a question or as words"),
  limit: z.number().int().min(1).max(maxRecalledFacts).optional(),
  ...filterShape,
});
const forgetInput = z.strictObject({
  ids: z.array(z.string().max(64)).min(1).max(50).describe("Ids as recall and memory_list show them"),
});
const listInput = z.strictObject({
  limit: z.number().int().min(1).max(maxListedFacts).optional(),
  after: z.string().max(64).optional().describe("What the page before gave as its next"),
  ...filterShape,
});

/**
 * Makes `remember`, `recall`, `forget` and `memory_list`. Whose memory it is, and who looks, comes from the turn alone:
 * nothing that a model writes can change either. None is harmless: what one person told may reach another by them.
 */
export function newMemoryTools(memory: Memory): readonly Tool[] {
  return [
    defineTool({
      name: "remember",
      description: "Stores one fact for later conversations. Use it for what will still matter then: names, wishes, " +
        "decisions, dates. When a fact changed, name the old one in supersedes.",
      effect: "idempotent",
      schema: rememberInput,
      async run(input, context) {
        const { person, session, sessionId, turnId, messageId } = context;
        const viewer = toViewer(context);
        const isPrivate = person !== undefined && !context.isGroup;
        const fact = await memory.remember(
          context.agent,
          {
            text: input.text,
            tags: [...new Set(input.tags ?? [])],
            importance: input.importance ?? usualImportance,
            audience: input.audience ?? (isPrivate ? "person" : "conversation"),
            person,
            conversation: toConversationId(session),
            sessionId,
            turnId,
            messageId,
            supersedes: input.supersedes ?? [],
            key: context.idempotencyKey,
          },
          viewer,
          context.signal,
        );
        return newTextResult(`Remembered as ${fact.id}, ${audienceTexts[fact.audience]}.`);
      },
    }),
    defineTool({
      name: "recall",
      description: "Searches what you remember from all conversations, by meaning and by words, best first.",
      effect: "none",
      schema: recallInput,
      async run(input, context) {
        const query = { ...toFilter(input), text: input.query, limit: input.limit ?? recalledFacts, counts: true };
        const { facts, mode, reason } = await memory.recall(context.agent, query, toViewer(context), context.signal);
        const note = mode === "words" ? `\nSearched by words only: ${reason}` : "";
        return toResult(facts, `Nothing remembered matches.${note}`, note, context);
      },
    }),
    defineTool({
      name: "forget",
      description: "Deletes facts for good. Ask the person first unless they told you to.",
      effect: "idempotent",
      schema: forgetInput,
      async run(input, context) {
        const gone = await memory.forget(context.agent, input.ids, toViewer(context), context.signal);
        const unknown = input.ids.filter((id) => !gone.includes(id));
        const text = gone.length === 0 ? "Nothing was forgotten." : `Forgotten: ${gone.join(", ")}.`;
        return newTextResult(unknown.length === 0 ? text : `${text} No such fact: ${unknown.join(", ")}.`);
      },
    }),
    defineTool({
      name: "memory_list",
      description: "Lists what you remember, newest first.",
      effect: "none",
      schema: listInput,
      async run(input, context) {
        const query = { ...toFilter(input), limit: input.limit ?? listedFacts, after: input.after };
        const page = await memory.list(context.agent, query, toViewer(context), context.signal);
        const next = page.next === undefined ? "" : `\nNext page: after ${page.next}`;
        return toResult(page.facts, "Nothing is remembered.", `\n${page.total} in all.${next}`, context);
      },
    }),
  ];
}

const audienceTexts = {
  person: "for this person only",
  conversation: "for this conversation only",
  everyone: "for everyone",
} as const;

function defineTool<S extends z.ZodType>({ schema, run, ...tool }: {
  readonly name: string;
  readonly description: string;
  readonly effect: Tool["effect"];
  readonly schema: S;
  run(input: z.output<S>, context: ToolContext): Promise<ToolResult>;
}): Tool {
  return {
    ...tool,
    inputSchema: z.toJSONSchema(schema, { io: "input" }),
    parallelSafe: tool.effect === "none",
    async run(given, context) {
      const input = schema.safeParse(given);
      if (!input.success) return newTextResult(`Cannot ${tool.name}: ${z.prettifyError(input.error)}`, true);
      try {
        return await run(input.data, context);
      } catch (thrown) {
        const error = toAppError(thrown);
        if (error.kind !== "invalid") throw error;
        return newTextResult(`Cannot ${tool.name}: ${error.message}`, true);
      }
    },
  };
}

function toViewer({ person, isGroup, session }: ToolContext): Viewer {
  return { kind: "talk", person, isGroup, conversation: toConversationId(session) };
}

function toFilter(
  { tags, since, before, person }: z.output<z.ZodObject<typeof filterShape>>,
): { tags?: string[] | undefined; person?: string | undefined; sinceMs?: number; beforeMs?: number } {
  return {
    tags,
    person,
    ...(since === undefined ? {} : { sinceMs: Date.parse(since) }),
    ...(before === undefined ? {} : { beforeMs: Date.parse(before) }),
  };
}

/** What was remembered once came from people, pages and mails: it is shown to the model as their text, not as orders. */
function toResult(facts: readonly Fact[], none: string, ending: string, context: ToolContext): ToolResult {
  if (facts.length === 0) return newTextResult(none);
  return { ...newTextResult(facts.map((fact) => toLine(fact, context)).join("\n") + ending), untrusted: true };
}

function toLine({ id, text, tags, createdAtMs, audience, person }: Fact, context: ToolContext): string {
  const told = new Date(createdAtMs).toISOString().slice(0, 10);
  const notes = [
    `told ${told}`,
    ...(person !== undefined && person === context.person ? ["by who asks now"] : []),
    audienceTexts[audience],
    ...(tags.length === 0 ? [] : [`tags: ${tags.join(", ")}`]),
  ];
  return `- ${id}: ${text} (${notes.join("; ")})`;
}
