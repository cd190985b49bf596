import { useState } from "preact/hooks";
import type {
  WorkspaceCommitView,
  WorkspaceFileView,
  WorkspaceHistoryView,
  WorkspaceShown,
  WorkspaceText,
} from "../../src/http/workspace_api.ts";
import { get, post } from "../api.ts";
import {
  Confirm,
  Empty,
  Failure,
  Fold,
  Loading,
  More,
  Patch,
  type Question,
  useLoaded,
  usePages,
  When,
} from "../ui.tsx";
import { bytes, count } from "../words.ts";
import { FileEditor } from "./file_editor.tsx";

const pageSize = 20;

/** What stands in an agent's workspace, how it came there, and undoing it. */
export function AgentFiles({ agent }: { readonly agent: string }) {
  const root = `/api/agents/${encodeURIComponent(agent)}/workspace`;
  const files = useLoaded((signal) => get<{ files: WorkspaceFileView[] }>(`${root}/files`, {}, signal), [agent]);
  const [told, setTold] = useState("");
  const [round, setRound] = useState(0);
  const [only, setOnly] = useState<string>();
  const onChanged = (text: string) => {
    setTold(text);
    setRound(round + 1);
    files.reload();
  };
  return (
    <>
      <NewFile root={root} onSaved={onChanged} />
      <p role="status" class="soft">{told}</p>
      <Loading of={files.loaded}>
        {({ files }) =>
          files.length === 0
            ? (
              <Empty title="The workspace is empty.">
                <p>
                  Papers such as SOUL.md tell {agent} who it is. It writes its own with the tool{" "}
                  <code>workspace_write</code>.
                </p>
              </Empty>
            )
            : (
              <div class="list">
                {files.map((file) => (
                  <File key={file.path} root={root} file={file} onChanged={onChanged} onHistory={setOnly} />
                ))}
              </div>
            )}
      </Loading>
      <Changes
        root={root}
        round={round}
        only={only}
        onAll={() => setOnly(undefined)}
        onReverted={(commit) => onChanged(`Undone: “${commit.why}”.`)}
      />
    </>
  );
}

/** A path, and then the editor for it. */
function NewFile({ root, onSaved }: { readonly root: string; onSaved(told: string): void }) {
  const [path, setPath] = useState("");
  const [isBegun, setBegun] = useState(false);
  if (isBegun) {
    const leave = () => {
      setBegun(false);
      setPath("");
    };
    return (
      <section class="card">
        <h2 class="mono">{path}</h2>
        <FileEditor
          root={root}
          file={{ path, text: "", version: "" }}
          onLeave={leave}
          onSaved={(told) => {
            leave();
            onSaved(told);
          }}
        />
      </section>
    );
  }
  return (
    <form
      class="search"
      onSubmit={(event) => {
        event.preventDefault();
        setBegun(true);
      }}
    >
      <input
        type="text"
        required
        maxLength={400}
        aria-label="Path of a new file"
        placeholder="A new file, such as SOUL.md or notes/prices.md"
        value={path}
        onInput={({ currentTarget }) => setPath(currentTarget.value.trim())}
      />
      <button type="submit" class="primary">Write it</button>
    </form>
  );
}

function File({ root, file, onChanged, onHistory }: FileProps & { readonly file: WorkspaceFileView }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="unfold" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary class="row">
        <strong class="mono">{file.path}</strong>
        <span class="soft">{bytes(file.sizeBytes)}</span>
        <When at={file.modifiedAt} />
      </summary>
      {isOpen && <FileText path={file.path} {...{ root, onChanged, onHistory }} />}
    </details>
  );
}

interface FileProps {
  readonly root: string;
  onChanged(told: string): void;
  /** Shows what changed in one file alone. */
  onHistory(path: string): void;
}

function FileText({ root, path, onChanged, onHistory }: FileProps & { readonly path: string }) {
  const { loaded, reload } = useLoaded((signal) => get<WorkspaceText>(`${root}/file`, { path }, signal), [root, path]);
  const [isEdited, setEdited] = useState(false);
  const [going, setGoing] = useState<WorkspaceText>();
  const [failure, setFailure] = useState<unknown>();
  const question: Question | undefined = going && {
    title: `Delete ${path}?`,
    text: "The agent does not read it any more. The history keeps it, and brings it back.",
    action: "Delete",
    dangerous: true,
  };
  const answer = async (agreed: boolean) => {
    setGoing(undefined);
    if (!agreed || going === undefined) return;
    try {
      await post(`${root}/change`, { path, base: going.version, text: null });
      onChanged(`${path} is deleted. Undo that under “What changed”.`);
    } catch (error) {
      setFailure(error);
    }
  };
  return (
    <Loading of={loaded}>
      {(file) =>
        isEdited
          ? (
            <FileEditor
              root={root}
              file={file}
              onLeave={() => setEdited(false)}
              onSaved={(told) => {
                setEdited(false);
                reload();
                onChanged(told);
              }}
            />
          )
          : (
            <>
              <pre tabIndex={0}>{file.text || "(empty)"}</pre>
              {failure !== undefined && <Failure error={failure} />}
              <Confirm question={question} onAnswer={(agreed) => void answer(agreed)} />
              <p class="filters">
                <button type="button" onClick={() => onHistory(path)}>Its history</button>
                <button type="button" class="danger" onClick={() => setGoing(file)}>Delete</button>
                <button type="button" class="primary" onClick={() => setEdited(true)}>Edit</button>
              </p>
            </>
          )}
    </Loading>
  );
}

function Changes({ root, round, only, onAll, onReverted }: {
  readonly root: string;
  /** Another number: something has changed. */
  readonly round: number;
  /** Path of the file whose changes alone are shown. */
  readonly only: string | undefined;
  onAll(): void;
  onReverted(commit: WorkspaceCommitView): void;
}) {
  const { loaded, more } = usePages<WorkspaceCommitView>(async (before, signal) => {
    const { commits } = await get<WorkspaceHistoryView>(
      `${root}/history`,
      { path: only, before, limit: pageSize },
      signal,
    );
    return { items: commits, ...(commits.length === pageSize ? { next: commits.at(-1)?.id } : {}) };
  }, [root, only, round]);
  const [asked, setAsked] = useState<WorkspaceCommitView>();
  const [failure, setFailure] = useState<unknown>();
  const question: Question | undefined = asked && {
    title: "Undo this change?",
    text: `“${asked.why}” of ${
      count(asked.files.length, "file")
    } is undone by a new change, which can be undone in turn.`,
    action: "Undo",
  };
  const answer = async (agreed: boolean) => {
    setAsked(undefined);
    if (!agreed || asked === undefined) return;
    try {
      await post(`${root}/revert`, { commit: asked.id });
      setFailure(undefined);
      onReverted(asked);
    } catch (error) {
      setFailure(error);
    }
  };
  return (
    <section>
      <h2>
        What changed{only !== undefined && (
          <>
            {" "}in {only} <button type="button" class="quiet" onClick={onAll}>Everywhere</button>
          </>
        )}
      </h2>
      {failure !== undefined && <Failure error={failure} />}
      <Confirm question={question} onAnswer={(agreed) => void answer(agreed)} />
      <Loading of={loaded}>
        {(commits) => (
          <div class="list">
            {commits.length === 0 && <p class="row soft">Nothing yet.</p>}
            {commits.map((commit) => (
              <Change
                key={commit.id}
                root={root}
                commit={commit}
                onRevert={() => setAsked(commit)}
              />
            ))}
          </div>
        )}
      </Loading>
      <More of={more} text="Show older changes" />
    </section>
  );
}

function Change({ root, commit, onRevert }: {
  readonly root: string;
  readonly commit: WorkspaceCommitView;
  onRevert(): void;
}) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="unfold" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary class="row">
        <strong>{commit.why}</strong>
        <span class="soft">
          {commit.author}, {commit.files.length === 1 ? commit.files[0] : count(commit.files.length, "file")}
        </span>
        <When at={commit.at} />
      </summary>
      {isOpen && (
        <>
          <p class="filters">
            {commit.turnId !== undefined && (
              <a class="button" href={`#/turns/${encodeURIComponent(commit.turnId)}`}>The turn that did it</a>
            )}
            <button type="button" class="danger" onClick={onRevert}>Undo this change</button>
          </p>
          <Patches root={root} commit={commit.id} />
        </>
      )}
    </details>
  );
}

function Patches({ root, commit }: { readonly root: string; readonly commit: string }) {
  const { loaded } = useLoaded((signal) => get<WorkspaceShown>(`${root}/commits/${commit}`, {}, signal), [
    root,
    commit,
  ]);
  return (
    <Loading of={loaded}>
      {({ patches }) =>
        patches.map(({ path, patch }) =>
          patch === ""
            ? <p key={path} class="soft">{path} is no text.</p>
            : (
              <Fold key={path} summary={path} open={patches.length === 1}>
                <Patch text={patch} />
              </Fold>
            )
        )}
    </Loading>
  );
}
