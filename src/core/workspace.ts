/** A file of an agent's workspace. */
export interface WorkspaceFile {
  /** From the workspace's folder, parts joined by `/`. */
  readonly path: string;
  readonly sizeBytes: number;
  /** ISO 8601 UTC. */
  readonly modifiedAt: string;
}

/** One change of a workspace, as its history keeps it. */
export interface WorkspaceCommit {
  /** Its name in git: 40 hexadecimal digits. */
  readonly id: string;
  /** ISO 8601 UTC. */
  readonly at: string;
  /** The agent, or `operator`. */
  readonly author: string;
  readonly why: string;
  readonly sessionId?: string | undefined;
  readonly turnId?: string | undefined;
  /** The key of the change, where it has one: `dream:…` for a dream. */
  readonly key?: string | undefined;
  /** Paths that it changed. */
  readonly files: readonly string[];
}

/** What happened to one file, as a unified diff. */
export interface WorkspacePatch {
  readonly path: string;
  /** Empty where the file is no text. */
  readonly patch: string;
}

/** Who changes a workspace, and why: what the commit says. */
export interface WorkspaceReason {
  /** The agent, or `operator`. */
  readonly author: string;
  /** One sentence. */
  readonly why: string;
  readonly sessionId?: string | undefined;
  readonly turnId?: string | undefined;
  /** The same key is the same change: run again after a crash, it is not made a second time. */
  readonly key?: string | undefined;
}

/** What becomes of one file. */
export type WorkspaceEdit =
  & {
    readonly path: string;
    /**
     * Names the text that the edit was made from (`toTextVersion`); empty: there is no such file yet. Absent: whatever is
     * there.
     */
    readonly base?: string | undefined;
  }
  & ({ readonly kind: "replace" | "append"; readonly text: string } | { readonly kind: "delete" });

/**
 * Who looks. `private`: an agent in a private conversation, who is not shown what its dreams changed, since that holds
 * memories of everybody. `group`: neither that nor what concerns a person, see {@linkcode isPersonalPath}.
 */
export type WorkspaceView = "operator" | "private" | "group";

/**
 * The files of one agent, with their history. Nothing leads out of its folder. One change at a time; each is one commit,
 * and what a person changed with an editor becomes a commit of the operator's before it.
 */
export interface Workspace {
  list(view: WorkspaceView): Promise<readonly WorkspaceFile[]>;
  /** @throws {AppError} `missing`; `invalid` for what is no text or too large; `denied` for a path that leads elsewhere. */
  read(path: string, view: WorkspaceView): Promise<string>;
  /**
   * All edits or none. Gives `undefined` where they change nothing.
   *
   * @throws {AppError} `denied` for a secret (reason `secret`) or a path that leads elsewhere; `invalid` for what is too
   * large; `conflict` (reason `edited_meanwhile`) where the file is not the edit's `base` any more.
   */
  change(
    edits: readonly WorkspaceEdit[],
    reason: WorkspaceReason,
    view: WorkspaceView,
  ): Promise<WorkspaceCommit | undefined>;
  /** Newest first. `before` is the id of the last commit of the page before. */
  history(
    page: {
      readonly limit: number;
      readonly before?: string | undefined;
      readonly path?: string | undefined;
    },
    view: WorkspaceView,
  ): Promise<readonly WorkspaceCommit[]>;
  /**
   * What lies between two commits; by default, what the newest one changed.
   *
   * @throws {AppError} `missing` for an unknown commit.
   */
  diff(
    range: {
      /** Default: the one before `to`. */
      readonly from?: string | undefined;
      /** Default: the newest. */
      readonly to?: string | undefined;
      readonly path?: string | undefined;
    },
    view: WorkspaceView,
  ): Promise<readonly WorkspacePatch[]>;
  /** One commit, by default the newest, with what it changed. @throws {AppError} `missing` for an unknown commit. */
  show(
    commit: string | undefined,
  ): Promise<{ readonly commit: WorkspaceCommit; readonly patches: readonly WorkspacePatch[] }>;
  /**
   * Undoes one commit by a new one, keeping what was changed since elsewhere.
   *
   * @throws {AppError} `missing` for an unknown commit; `conflict` where later changes stand in the way.
   */
  revert(commit: string, author: string): Promise<WorkspaceCommit>;
  /**
   * Takes out every line that was written for these sessions, or that holds one of these texts, and begins the history
   * anew: nobody finds the lines there either. Gives the paths of what was changed; the history stays where nothing was.
   */
  forget(traces: WorkspaceTraces): Promise<readonly string[]>;
  /** What is not in the history, and why: secrets, files too large, links. */
  troubles(): Promise<readonly WorkspaceTrouble[]>;
}

/** What a person has left in a workspace. */
export interface WorkspaceTraces {
  /** Sessions in which nobody else was heard. */
  readonly sessions: readonly string[];
  /** Facts that the person told. */
  readonly texts: readonly string[];
}

/** A file that the history does not take. */
export interface WorkspaceTrouble {
  readonly path: string;
  /** A sentence with the remedy. */
  readonly reason: string;
}

/** The workspaces of all agents. */
export interface Workspaces {
  /** @throws {AppError} `missing` where there is no such agent. */
  of(agent: string): Workspace;
}

/** Papers about people: they never go into a group's prompt, nor does a tool show them there. */
export const personalPapers = ["USER.md", "MEMORY.md"] as const;

/** Folder of an agent's notes, one file a day, such as `notes/2026-11-22.md`. They concern people too. */
export const notesFolder = "notes";

/** What the last dreams changed: for the operator alone, since it is made of what everybody told. */
export const dreamsPaper = "DREAMS.md";

const personalNames: readonly string[] = [...personalPapers, dreamsPaper].map(toFolded);

/** Whether a file is shown to whoever looks. */
export function isShown(path: string, view: WorkspaceView): boolean {
  if (view === "operator") return true;
  return view === "private" ? toFolded(path) !== toFolded(dreamsPaper) : !isPersonalPath(path);
}

/** Whether a file concerns people. File systems that take `memory.md` for `MEMORY.md` do not matter. */
function isPersonalPath(path: string): boolean {
  const folded = toFolded(path);
  return personalNames.includes(folded) || folded === notesFolder || folded.startsWith(`${notesFolder}/`);
}

function toFolded(path: string): string {
  return path.normalize("NFKC").toLowerCase();
}
