import type { WorkspaceCommit, WorkspaceReason } from "../core/workspace.ts";
import type { Commit, CommitNote } from "./repository.ts";

const whyBound = 500;

/** What a commit says: why on the first line, then where it came from. */
export function toMessage({ author, why, sessionId, turnId, key }: WorkspaceReason, atMs: number): CommitNote {
  // One line: what an agent writes must not pass for the lines below it.
  const first = why.replace(/\s+/g, " ").trim().slice(0, whyBound) || "No reason was given";
  const origin = [
    ...(sessionId === undefined ? [] : [`Session: ${sessionId}`]),
    ...(turnId === undefined ? [] : [`Turn: ${turnId}`]),
    ...(key === undefined ? [] : [`Key: ${key}`]),
  ];
  return {
    author,
    // A reserved name: nobody's mail.
    email: `${author}@${author === "operator" ? "operator" : "agent"}.invalid`,
    message: origin.length === 0 ? first : `${first}\n\n${origin.join("\n")}`,
    atMs,
  };
}

/** The key of the change that a commit made. */
export function keyOf({ message }: Commit): string | undefined {
  return find(message, "Key");
}

/** A commit as others see it. */
export function toView({ id, atMs, author, message }: Commit, files: readonly string[]): WorkspaceCommit {
  return {
    id,
    at: new Date(atMs).toISOString(),
    author,
    why: message.split("\n", 1)[0] ?? "",
    sessionId: find(message, "Session"),
    turnId: find(message, "Turn"),
    key: find(message, "Key"),
    files,
  };
}

function find(message: string, name: string): string | undefined {
  return message.split("\n").slice(1).find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
}
