import { useEffect, useState } from "preact/hooks";
import type { WorkspaceChanged, WorkspaceText } from "../../src/http/workspace_api.ts";
import { get, isRequestError, post } from "../api.ts";
import { Difference } from "../difference.tsx";
import { keepDraft, readDraft } from "../draft.ts";
import { Failure } from "../ui.tsx";

/** Edits a file of a workspace. What the agent wrote meanwhile is shown, and not overwritten unasked. */
export function FileEditor({ root, file, onSaved, onLeave }: {
  /** Address of the workspace. */
  readonly root: string;
  /** Its version is empty where the file is not there yet. */
  readonly file: WorkspaceText;
  onSaved(told: string): void;
  onLeave(): void;
}) {
  const draft = `${root}/${file.path}`;
  // What it was begun from goes with it, so that it overwrites nothing that was written since.
  const [kept] = useState<{ readonly text: string; readonly base: WorkspaceText } | undefined>(() =>
    JSON.parse(readDraft(draft) ?? "null") ?? undefined
  );
  const [text, setText] = useState(kept?.text ?? file.text);
  const [base, setBase] = useState(kept?.base ?? file);
  useEffect(() => keepDraft(draft, text === base.text ? undefined : JSON.stringify({ text, base })), [text, base]);
  const leave = () => {
    keepDraft(draft, undefined);
    onLeave();
  };
  const [why, setWhy] = useState("");
  const [theirs, setTheirs] = useState<WorkspaceText>();
  const [failure, setFailure] = useState<unknown>();
  const save = async (over: WorkspaceText) => {
    try {
      const change = { path: file.path, base: over.version, text, why };
      const { commit } = await post<WorkspaceChanged>(`${root}/change`, change);
      keepDraft(draft, undefined);
      onSaved(commit === undefined ? `${file.path} stands as it was.` : `${file.path} is saved.`);
    } catch (error) {
      setFailure(error);
      const isBehind = isRequestError(error) && error.reason === "edited_meanwhile";
      if (isBehind) setTheirs(await readNow(root, file.path).catch(() => undefined));
    }
  };
  const take = (current: WorkspaceText) => {
    setText(current.text);
    setBase(current);
    setTheirs(undefined);
    setFailure(undefined);
  };
  return (
    <form
      class="edit"
      onSubmit={(event) => {
        event.preventDefault();
        void save(base);
      }}
    >
      <textarea
        class="code"
        aria-label={`Text of ${file.path}`}
        spellcheck={false}
        rows={Math.min(30, Math.max(8, text.split("\n").length + 1))}
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
      <input
        type="text"
        aria-label="Why, for the history"
        placeholder="Why, in one sentence, for the history"
        maxLength={500}
        value={why}
        onInput={({ currentTarget }) => setWhy(currentTarget.value)}
      />
      {failure !== undefined && <Failure error={failure} />}
      {theirs !== undefined && (
        <section class="compared">
          <p>What stands there now becomes yours like this:</p>
          <Difference before={theirs.text} after={text} />
          <div class="filters">
            <button type="button" onClick={() => take(theirs)}>Take what stands there</button>
            <button type="button" class="danger" onClick={() => void save(theirs)}>Save mine over it</button>
          </div>
        </section>
      )}
      {theirs === undefined && (
        <div class="filters">
          <button type="button" onClick={leave}>Cancel</button>
          <button type="submit" class="primary" disabled={text === base.text && base.version !== ""}>Save</button>
        </div>
      )}
    </form>
  );
}

/** The file as it stands; one that is gone is empty. */
async function readNow(root: string, path: string): Promise<WorkspaceText> {
  try {
    return await get<WorkspaceText>(`${root}/file`, { path });
  } catch (error) {
    if (isRequestError(error) && error.status === 404) return { path, text: "", version: "" };
    throw error;
  }
}
