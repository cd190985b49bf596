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

const pageSize = 20;

/** What stands in an agent's workspace, how it came there, and undoing it. */
export function AgentFiles({ agent }: { readonly agent: string }) {
  const root = `/api/agents/${encodeURIComponent(agent)}/workspace`;
  const files = useLoaded((signal) => get<{ files: WorkspaceFileView[] }>(`${root}/files`, {}, signal), [agent]);
  const [told, setTold] = useState("");
  return (
    <>
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
            : <div class="list">{files.map((file) => <File key={file.path} root={root} file={file} />)}</div>}
      </Loading>
      <Changes
        root={root}
        onReverted={(commit) => {
          setTold(`Undone: “${commit.why}”.`);
          files.reload();
        }}
      />
    </>
  );
}

function File({ root, file }: { readonly root: string; readonly file: WorkspaceFileView }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="unfold" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary class="row">
        <strong class="mono">{file.path}</strong>
        <span class="soft">{bytes(file.sizeBytes)}</span>
        <When at={file.modifiedAt} />
      </summary>
      {isOpen && <FileText root={root} path={file.path} />}
    </details>
  );
}

function FileText({ root, path }: { readonly root: string; readonly path: string }) {
  const { loaded } = useLoaded((signal) => get<WorkspaceText>(`${root}/file`, { path }, signal), [root, path]);
  return <Loading of={loaded}>{({ text }) => <pre tabIndex={0}>{text || "(empty)"}</pre>}</Loading>;
}

function Changes({ root, onReverted }: { readonly root: string; onReverted(commit: WorkspaceCommitView): void }) {
  const { loaded, more, reload } = usePages<WorkspaceCommitView>(async (before, signal) => {
    const { commits } = await get<WorkspaceHistoryView>(`${root}/history`, { before, limit: pageSize }, signal);
    return { items: commits, ...(commits.length === pageSize ? { next: commits.at(-1)?.id } : {}) };
  }, [root]);
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
      reload();
    } catch (error) {
      setFailure(error);
    }
  };
  return (
    <section>
      <h2>What changed</h2>
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
      <More onClick={more} text="Show older changes" />
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
