import { useState } from "preact/hooks";
import type { ConfigApplyAnswer, ConfigFaultView, ConfigFileView, ConfigPastView } from "../../src/http/config_api.ts";
import { get, isRequestError, messageOf, post } from "../api.ts";
import { Empty, Failure, Fold, Head, Loading, useLoaded, When } from "../ui.tsx";
import { count } from "../words.ts";

/** The config's files: edited, checked, compared with what is in force, and only then applied. */
export function ConfigPage({ wanted }: { readonly wanted: string | undefined }) {
  const { loaded, reload } = useLoaded(
    (signal) => get<{ files: ConfigFileView[] }>("/api/config/files", {}, signal),
    [],
  );
  const [told, setTold] = useState("");
  const onApplied = (text: string) => {
    setTold(text);
    reload();
  };
  return (
    <Loading of={loaded}>
      {({ files }) => {
        const file = files.find(({ path }) => path === wanted) ?? files[0];
        if (file === undefined) return <Empty title="There is no config." />;
        return <Editor key={`${file.path} ${file.version}`} {...{ file, files, told, onApplied }} />;
      }}
    </Loading>
  );
}

type Shown =
  | { readonly state: "editing" }
  | { readonly state: "faulty"; readonly faults: readonly ConfigFaultView[] }
  | { readonly state: "good" }
  | { readonly state: "needsToken" }
  | { readonly state: "failed"; readonly error: unknown };

function Editor({ file, files, told, onApplied }: {
  readonly file: ConfigFileView;
  readonly files: readonly ConfigFileView[];
  /** What became of the last edit. */
  readonly told: string;
  onApplied(told: string): void;
}) {
  const [text, setText] = useState(file.text);
  const [shown, setShown] = useState<Shown>({ state: "editing" });
  const isChanged = text !== file.text;
  const check = async () => {
    try {
      const { faults } = await post<{ faults: ConfigFaultView[] }>("/api/config/check", { path: file.path, text });
      setShown(faults.length > 0 ? { state: "faulty", faults } : { state: "good" });
    } catch (error) {
      setShown({ state: "failed", error });
    }
  };
  const apply = async (token?: string) => {
    try {
      const edit = { path: file.path, text, base: file.version, ...(token === undefined ? {} : { token }) };
      const { restartNeeded } = await post<ConfigApplyAnswer>("/api/config/apply", edit);
      const waits = restartNeeded.length === 0 ? "" : ` These wait for a restart: ${restartNeeded.join(", ")}.`;
      onApplied(`Applied.${waits}`);
    } catch (error) {
      const again = isRequestError(error) && error.reason === "token_again" && token === undefined;
      setShown(again ? { state: "needsToken" } : { state: "failed", error });
    }
  };
  return (
    <>
      <Head title="Config">
        <div class="filters">
          <select
            aria-label="File"
            value={file.path}
            onChange={({ currentTarget }) => location.hash = `#/config/${encodeURIComponent(currentTarget.value)}`}
          >
            {files.map(({ path, text: known }) => (
              <option key={path} value={path}>{path}{known === "" ? " (not there yet)" : ""}</option>
            ))}
          </select>
        </div>
      </Head>
      <p role="status" class="soft">{told}</p>
      <textarea
        class="code"
        aria-label={`Text of ${file.path}`}
        spellcheck={false}
        value={text}
        rows={Math.min(30, Math.max(12, text.split("\n").length + 1))}
        onInput={({ currentTarget }) => {
          setText(currentTarget.value);
          setShown({ state: "editing" });
        }}
      />
      <div class="filters">
        <button type="button" disabled={!isChanged} onClick={() => setText(file.text)}>Undo edits</button>
        <button type="button" class="primary" disabled={!isChanged} onClick={() => void check()}>Check</button>
      </div>
      <Outcome shown={shown} before={file.text} after={text} onApply={(token) => void apply(token)} />
      <Past path={file.path} onTake={(past) => setText(past)} />
    </>
  );
}

function Outcome({ shown, before, after, onApply }: {
  readonly shown: Shown;
  readonly before: string;
  readonly after: string;
  onApply(token?: string): void;
}) {
  const [token, setToken] = useState("");
  switch (shown.state) {
    case "editing":
      return null;
    case "failed":
      return <Failure error={shown.error} />;
    case "faulty":
      return (
        <div class="notice bad" role="alert">
          <p>{count(shown.faults.length, "fault")}; nothing was changed.</p>
          <ul>
            {shown.faults.map((fault, index) => (
              <li key={index}>
                <code>{[fault.file, fault.line, fault.column].filter((part) => part !== undefined).join(":")}</code>
                {" "}
                {fault.path} {fault.message}
                <br />
                <span class="soft">{fault.remedy}</span>
              </li>
            ))}
          </ul>
        </div>
      );
    case "good":
      return (
        <section class="card">
          <h2>What will change</h2>
          <Difference before={before} after={after} />
          <div class="actions">
            <button type="button" class="primary" onClick={() => onApply()}>Apply</button>
          </div>
        </section>
      );
    case "needsToken":
      return (
        <form
          class="card actions"
          onSubmit={(event) => {
            event.preventDefault();
            onApply(token);
          }}
        >
          <label>
            This file can name commands to run. The token once more:{" "}
            <input
              type="password"
              autocomplete="off"
              value={token}
              onInput={({ currentTarget }) => setToken(currentTarget.value.trim())}
            />
          </label>
          <button type="submit" class="primary">Apply</button>
        </form>
      );
  }
}

/** Lines that go and lines that come, with what stands around them left out. */
function Difference({ before, after }: { readonly before: string; readonly after: string }) {
  const [old, fresh] = [before.split("\n"), after.split("\n")];
  let head = 0;
  while (head < old.length && head < fresh.length && old[head] === fresh[head]) head++;
  let tail = 0;
  while (
    tail < old.length - head && tail < fresh.length - head &&
    old[old.length - 1 - tail] === fresh[fresh.length - 1 - tail]
  ) tail++;
  const gone = old.slice(head, old.length - tail);
  const come = fresh.slice(head, fresh.length - tail);
  return (
    <pre tabIndex={0} class="difference">
      {gone.map((line, index) => <del key={`-${index}`}>- {line}
</del>)}
      {come.map((line, index) => <ins key={`+${index}`}>+ {line}
</ins>)}
    </pre>
  );
}

function Past({ path, onTake }: { readonly path: string; onTake(text: string): void }) {
  const { loaded } = useLoaded((signal) => get<{ items: ConfigPastView[] }>("/api/config/history", {}, signal), [path]);
  const [failure, setFailure] = useState("");
  const take = async (id: string) => {
    try {
      onTake((await get<{ text: string }>(`/api/config/history/${encodeURIComponent(id)}`)).text);
    } catch (error) {
      setFailure(messageOf(error));
    }
  };
  return (
    <Loading of={loaded}>
      {({ items }) => {
        const own = items.filter((item) => item.path === path);
        if (own.length === 0) return null;
        return (
          <Fold summary={`Earlier texts (${own.length})`}>
            {failure !== "" && <p class="bad">{failure}</p>}
            <ul>
              {own.map(({ id, replacedAt }) => (
                <li key={id}>
                  until <When at={replacedAt} />{" "}
                  <button type="button" class="quiet" onClick={() => void take(id)}>Put it into the editor</button>
                </li>
              ))}
            </ul>
          </Fold>
        );
      }}
    </Loading>
  );
}
