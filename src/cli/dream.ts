import type { Dream } from "../core/dream.ts";
import { AppError, type ErrorKind, errorKinds } from "../core/error.ts";
import { dreamEventSchema } from "../http/dream_api.ts";
import { requireRunning } from "./admin_client.ts";
import { type Ink, newInk } from "./ink.ts";
import { type DataDirFlag, toDataDir } from "./place.ts";
import { toPlainLine } from "./plain.ts";
import { sayCount, toJsonText } from "./say.ts";
import { readEventData } from "./sse.ts";
import type { Terminal } from "./terminal.ts";

/** `agent dream AGENT`: consolidates an agent's memory now, or only says what would be done. */
export async function dream(
  terminal: Terminal,
  flags: DataDirFlag & { readonly dryRun: boolean; readonly json: boolean },
  agent: string,
): Promise<number> {
  const { admin } = await requireRunning(toDataDir(flags, terminal.env), terminal.env);
  const { dryRun } = flags;
  const stream = admin.stream(`/api/agents/${encodeURIComponent(agent)}/dream`, { dryRun });
  for await (const data of readEventData(stream)) {
    const event = dreamEventSchema.parse(JSON.parse(data));
    if (event.type === "error") throw toRefused(event.error);
    if (flags.json) terminal.print(toJsonText({ dryRun, dream: event.dream }));
    else terminal.print(formatDream(event.dream, dryRun, newInk(terminal.color)));
    return 0;
  }
  throw new AppError("unavailable", "The process ended meanwhile. It goes on dreaming at the next start");
}

function toRefused({ kind, message, reason }: { kind: string; message: string; reason: string }): AppError {
  const known = Object.keys(errorKinds).find((one): one is ErrorKind => one === kind);
  return new AppError(known ?? "bug", message, { reason });
}

/** What a dream did, or would do. */
function formatDream(dreamt: Dream | null, dryRun: boolean, ink: Ink): string {
  if (dreamt === null) return "Nothing to do: no fact was recalled often enough, none is doubled, none is stale.\n";
  const { promoted, merged, faded } = dreamt.plan;
  const cut = (text: string) => toPlainLine(text, 100);
  const lines = [
    ...promoted.map((fact) => ink.good(`+ ${cut(fact.text)} (recalled ${fact.recallCount} times)`)),
    ...merged.map((one) =>
      `  ${sayCount(one.replaced.length, "fact")} become one: ${one.isOpen ? cut(one.text) : "private"}`
    ),
    ...faded.map((one) =>
      ink.dim(
        `- ${cut(one.text ?? `private fact ${one.id}`)} (importance ${one.before.toFixed(2)} to ${
          one.after.toFixed(2)
        })`,
      )
    ),
  ];
  const end = dryRun
    ? "Nothing was changed. Facts that only say nearly the same would be shown to the model, and merged."
    : `Undo it: agent workspace revert ${dreamt.agent} ${dreamt.commit?.slice(0, 10) ?? "COMMIT"}`;
  return `${lines.join("\n")}\n\n${end}\n`;
}
