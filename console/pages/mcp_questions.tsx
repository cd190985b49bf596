import { useState } from "preact/hooks";
import type { McpAnswer, McpQuestion } from "../../src/http/mcp_api.ts";
import { post } from "../api.ts";
import { SchemaForm } from "../schema_form.tsx";
import { Failure, When } from "../ui.tsx";

/** What MCP servers ask the operator, while they wait for it. */
export function McpQuestions({ questions, onChanged }: {
  readonly questions: readonly McpQuestion[];
  onChanged(told: string): void;
}) {
  if (questions.length === 0) return null;
  return (
    <section>
      <h2>Questions that wait for you</h2>
      {questions.map((question) => <Question key={question.id} question={question} onChanged={onChanged} />)}
    </section>
  );
}

function Question({ question, onChanged }: { readonly question: McpQuestion; onChanged(told: string): void }) {
  const { id, server, message, schema, askedAt } = question;
  const [failure, setFailure] = useState<unknown>();
  const answer = async (given: McpAnswer, told: string) => {
    try {
      await post(`/api/mcp/questions/${encodeURIComponent(id)}`, given);
      onChanged(told);
    } catch (error) {
      setFailure(error);
    }
  };
  return (
    <article class="card trial">
      <p>
        The server <strong>{server}</strong> asks, in its own words (<When at={askedAt} />):
      </p>
      <blockquote>{message}</blockquote>
      <p class="soft">Your answer goes to the server. Give it no password and no key.</p>
      {failure !== undefined && <Failure error={failure} />}
      <SchemaForm
        schema={toSchema(schema)}
        action="Answer"
        onSubmit={(content) =>
          // The server's own schema is asked for flat values; what is none the API refuses.
          void answer({ action: "accept", content: content as Record<string, string> }, `Answered ${server}.`)}
      >
        <button
          type="button"
          class="danger"
          onClick={() => void answer({ action: "decline" }, `${server} was told no.`)}
        >
          Say no
        </button>
      </SchemaForm>
    </article>
  );
}

function toSchema(schema: unknown): Readonly<Record<string, unknown>> {
  return typeof schema === "object" && schema !== null ? schema as Record<string, unknown> : {}; // has unknown values
}
