import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type {
  ConfigApplyAnswer,
  ConfigFaultView,
  ConfigFileView,
  ConfigOptionView,
} from "../../src/http/config_api.ts";
import { findYamlPlace } from "../../src/lib/yaml_place.ts";
import { get, isPassing, isRequestError, messageOf, post } from "../api.ts";
import { Difference } from "../difference.tsx";
import { keepDraft, readDraft } from "../draft.ts";
import { replaceText, showLine, TextEditor } from "../text_editor.tsx";
import { TokenAgain } from "../token_again.tsx";
import { Confirm, Empty, Failure, Head, Loading, useLoaded } from "../ui.tsx";
import { count } from "../words.ts";
import { ConfigHelp } from "./config_help.tsx";
import { ConfigPasts } from "./config_past.tsx";

/** A text for a file that nobody has applied yet. */
interface Draft {
  readonly path: string;
  readonly text: string;
}

/** The config's files: edited with help, checked while one types, compared with what is in force, and then applied. */
export function ConfigPage({ wanted }: { readonly wanted: string | undefined }) {
  const { loaded, reload } = useLoaded(
    (signal) => get<{ files: ConfigFileView[] }>("/api/config/files", {}, signal),
    [],
  );
  const [draft, setDraft] = useState<Draft | undefined>(readOwnDraft);
  const [told, setTold] = useState<{ readonly text: string; readonly before?: Draft }>();
  const [round, setRound] = useState(0);
  const begin = (next: Draft) => {
    setDraft(next);
    setRound(round + 1);
    setTold(undefined);
    reload();
  };
  return (
    <Loading of={loaded}>
      {({ files }) => {
        const file = files.find(({ path }) => path === (wanted ?? draft?.path)) ?? files[0];
        if (file === undefined) return <Empty title="There is no config." />;
        const before = told?.before;
        const own = draft?.path === file.path ? draft : undefined;
        return (
          <>
            <Editor
              key={`${file.path} ${file.version} ${round}`}
              file={file}
              files={files}
              draft={own}
              onApplied={(text) => {
                setDraft(undefined);
                setTold({ text, before: { path: file.path, text: file.text } });
                reload();
              }}
              onBegin={(text) => begin({ path: file.path, text })}
              told={
                <p role="status" class="soft">
                  {told?.text}
                  {before?.path === file.path && (
                    <>
                      {" "}
                      <button type="button" class="quiet" onClick={() => begin(before)}>Take it back</button>
                    </>
                  )}
                </p>
              }
            />
            <ConfigPasts
              key={`${file.path} ${file.version}`}
              path={file.path}
              current={file.text}
              onTake={(text) => begin({ path: file.path, text })}
            />
          </>
        );
      }}
    </Loading>
  );
}

/** Edits of this tab that were not applied when it left the page. */
function readOwnDraft(): Draft | undefined {
  const kept = readDraft("config");
  return kept === undefined ? undefined : JSON.parse(kept);
}

type Shown =
  | { readonly state: "editing" }
  | { readonly state: "comparing" }
  | { readonly state: "needsToken"; readonly why: string }
  | { readonly state: "failed"; readonly error: unknown };

function Editor({ file, files, draft, told, onApplied, onBegin }: {
  readonly file: ConfigFileView;
  readonly files: readonly ConfigFileView[];
  readonly draft: Draft | undefined;
  /** What became of the last edit. */
  readonly told: ComponentChildren;
  onApplied(told: string): void;
  /** Reads the files again, and goes on with this text. */
  onBegin(text: string): void;
}) {
  const area = useRef<HTMLTextAreaElement>(null);
  const choices = useRef<HTMLUListElement>(null);
  const [text, setText] = useState(draft?.text ?? file.text);
  const [caret, setCaret] = useState(0);
  const [shown, setShown] = useState<Shown>({ state: draft === undefined ? "editing" : "comparing" });
  const [leaving, setLeaving] = useState<string>();
  const checked = useChecked(file.path, text);
  const options = useLoaded(
    (signal) => get<{ items: ConfigOptionView[] }>("/api/config/options", { file: file.path }, signal),
    [file.path],
  ).loaded;
  const isChanged = text !== file.text;
  useEffect(() => {
    const { path } = file;
    if (isChanged) keepDraft("config", JSON.stringify({ path, text }));
    else if (readOwnDraft()?.path === path) keepDraft("config", undefined);
  }, [text, isChanged]);
  const faults = checked?.faults ?? [];
  const isGood = checked !== undefined && checked.error === undefined && faults.length === 0;
  const place = findYamlPlace(text, Math.min(caret, text.length));
  const isOwn = (fault: ConfigFaultView) => fault.file === file.path || fault.file.endsWith(`/${file.path}`);
  const goTo = (path: string) => location.hash = `#/config/${encodeURIComponent(path)}`;
  const apply = async (token?: string) => {
    try {
      const edit = { path: file.path, text, base: file.version, ...(token === undefined ? {} : { token }) };
      const { restartNeeded } = await post<ConfigApplyAnswer>("/api/config/apply", edit);
      const waits = restartNeeded.length === 0 ? "" : ` These wait for a restart: ${restartNeeded.join(", ")}.`;
      onApplied(`Applied.${waits}`);
    } catch (error) {
      const again = isRequestError(error) && error.reason === "token_again" && token === undefined;
      setShown(
        again
          ? { state: "needsToken", why: `${error.message.replace(/: enter the token once more$/, "")}.` }
          : { state: "failed", error },
      );
    }
  };
  return (
    <>
      <Head title="Config">
        <div class="filters">
          <select
            aria-label="File"
            value={file.path}
            onChange={({ currentTarget }) => {
              const { value } = currentTarget;
              if (isChanged) {
                currentTarget.value = file.path;
                setLeaving(value);
              } else goTo(value);
            }}
          >
            {files.map(({ path, text: known }) => (
              <option key={path} value={path}>{path}{known === "" ? " (not there yet)" : ""}</option>
            ))}
          </select>
        </div>
      </Head>
      <Confirm
        question={leaving === undefined ? undefined : {
          title: "Leave your edits?",
          text: `What you wrote in ${file.path} is not applied, and goes.`,
          action: "Leave",
          dangerous: true,
        }}
        onAnswer={(agreed) => {
          setLeaving(undefined);
          if (!agreed || leaving === undefined) return;
          keepDraft("config", undefined);
          goTo(leaving);
        }}
      />
      {told}
      <TextEditor
        area={area}
        label={`Text of ${file.path}`}
        describedBy="config-faults"
        text={text}
        notes={faults.filter(isOwn).map(({ line = 1, message, remedy }) => ({ line, text: `${message}. ${remedy}` }))}
        onText={(next) => {
          setText(next);
          setShown({ state: "editing" });
        }}
        onCaret={setCaret}
        onHelp={() => choices.current?.querySelector("button")?.focus()}
      />
      <ConfigHelp
        id="config-help"
        list={choices}
        options={options.state === "loaded" ? options.value.items : []}
        place={place}
        onLeave={() => area.current?.focus()}
        onTake={(taken) => {
          if (area.current === null || place === undefined) return;
          // A key that has its colon keeps it.
          const isWritten = /^\s*:/.test(text.slice(place.to));
          replaceText(area.current, place, isWritten ? taken.replace(/: $/, "") : taken);
        }}
      />
      <div id="config-faults">
        <p role="status" class="soft">{sayChecked(checked, isChanged)}</p>
        {faults.length > 0 && (
          <Faults
            faults={faults}
            isOwn={isOwn}
            files={files}
            onLine={(line) => area.current !== null && showLine(area.current, line)}
          />
        )}
      </div>
      <div class="filters">
        <button type="button" disabled={!isChanged} onClick={() => setText(file.text)}>Undo edits</button>
        <button
          type="button"
          class="primary"
          disabled={!isChanged || !isGood}
          onClick={() => setShown({ state: "comparing" })}
        >
          Compare
        </button>
      </div>
      {isChanged && shown.state !== "editing" && (
        <section class="card compared">
          <h2>What will change</h2>
          <Difference before={file.text} after={text} />
          {shown.state === "failed" && <Failure error={shown.error} />}
          {shown.state === "failed" && isRequestError(shown.error) && shown.error.reason === "edited_meanwhile" && (
            <button
              type="button"
              onClick={() => onBegin(text)}
            >
              Compare with what stands there now
            </button>
          )}
          {shown.state === "needsToken"
            ? <TokenAgain why={shown.why} action="Apply" onToken={(token) => void apply(token)} />
            : (
              <div class="filters">
                <button
                  type="button"
                  class="primary"
                  disabled={!isGood}
                  onClick={() => void apply()}
                >
                  Apply
                </button>
              </div>
            )}
        </section>
      )}
    </>
  );
}

/** Milliseconds without a key before a text is checked. */
const pauseMs = 350;
/** How soon it is tried again where nobody answered, milliseconds. */
const againMs = 3_000;

interface Checked {
  readonly faults: readonly ConfigFaultView[];
  /** Why it could not be checked. */
  readonly error?: unknown;
}

/** What the whole config would say with this text, while one types. Absent until it is known. */
function useChecked(path: string, text: string): Checked | undefined {
  const [known, setKnown] = useState<Checked & { readonly text: string }>();
  useEffect(() => {
    let isStale = false;
    let timer = setTimeout(check, pauseMs);
    function check() {
      post<{ faults: ConfigFaultView[] }>("/api/config/check", { path, text }).then(
        ({ faults }) => isStale || setKnown({ text, faults }),
        (error) => {
          if (isStale) return;
          setKnown({ text, faults: [], error });
          if (isPassing(error)) timer = setTimeout(check, againMs);
        },
      );
    }
    return () => {
      isStale = true;
      clearTimeout(timer);
    };
  }, [path, text]);
  return known?.text === text ? known : undefined;
}

function sayChecked(checked: Checked | undefined, isChanged: boolean): string {
  if (checked === undefined) return "Being checked …";
  if (checked.error !== undefined) return `It could not be checked: ${messageOf(checked.error)}`;
  const { length } = checked.faults;
  if (length > 0) return `${count(length, "fault")}; nothing is changed before they are mended.`;
  return isChanged ? "No fault. Compare, then apply." : "No fault.";
}

function Faults({ faults, files, isOwn, onLine }: {
  readonly faults: readonly ConfigFaultView[];
  readonly files: readonly ConfigFileView[];
  isOwn(fault: ConfigFaultView): boolean;
  onLine(line: number): void;
}) {
  return (
    <ul class="notice bad faults">
      {faults.map((fault, index) => {
        const { file, line, column, path, message, remedy } = fault;
        const place = [file, line, column].filter((part) => part !== undefined).join(":");
        const other = files.find((one) => file.endsWith(`/${one.path}`));
        return (
          <li key={index}>
            {isOwn(fault) && line !== undefined
              ? <button type="button" class="quiet mono" onClick={() => onLine(line)}>{place}</button>
              : other === undefined || isOwn(fault)
              ? <code>{place}</code>
              : <a class="mono" href={`#/config/${encodeURIComponent(other.path)}`}>{place}</a>} {path} {message}
            <br />
            <span class="soft">{remedy}</span>
          </li>
        );
      })}
    </ul>
  );
}
