import { z } from "zod";

/** An agent, as lists show it. */
export const agentViewSchema = z.object({
  id: z.string(),
  description: z.string(),
  /** Provider and model that answer now, such as `anthropic/claude-sonnet-4-5`. */
  model: z.string(),
  /** How many tools it may use. */
  tools: z.number().int(),
  /** Channel instances that it hears, such as `telegram.sales`. */
  hears: z.array(z.string()),
  /** Why it cannot answer, with the remedy. */
  trouble: z.string().optional(),
});
/** An agent, as lists show it. */
export type AgentView = z.output<typeof agentViewSchema>;

/** Answer of `GET /api/agents`. */
export const agentsAnswerSchema = z.object({ agents: z.array(agentViewSchema) });
