import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "./api.ts";

/** A page's head: its title, and what stands beside it. */
export function Head({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  useEffect(() => void (document.title = `${title} · nexo`), [title]);
  return (
    <header class="head">
      <h1>{title}</h1>
      {children}
    </header>
  );
}

/** What a page shows that has nothing to show: what it is for, and the one thing that fills it. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="empty">
      <strong>{title}</strong>
      {children}
    </div>
  );
}

/** What went wrong, in words. */
export function Failure({ error }: { readonly error: unknown }) {
  return <p class="notice bad" role="alert">{messageOf(error)}</p>;
}

const states: Readonly<Record<string, readonly [tone: string, shape: string]>> = {
  ok: ["good", "●"],
  up: ["good", "●"],
  live: ["good", "●"],
  held: ["warn", "▲"],
  refused: ["bad", "■"],
  off: ["", "○"],
  connecting: ["warn", "◐"],
  restarting: ["warn", "◐"],
  ready: ["good", "●"],
  answered: ["good", "●"],
  silent: ["", "○"],
  starting: ["warn", "◐"],
  running: ["warn", "◐"],
  degraded: ["warn", "▲"],
  down: ["bad", "■"],
  failed: ["bad", "■"],
  pending: ["warn", "◐"],
  approved: ["good", "●"],
  denied: ["bad", "■"],
  revoked: ["bad", "■"],
  "calls pass": ["good", "●"],
  "being tried again": ["warn", "◐"],
  "refused for now": ["bad", "■"],
};

/** A state as colour, shape and word, so that none of them has to be seen. */
export function Pill({ state }: { readonly state: string }) {
  const [tone, shape] = states[state] ?? ["", "○"];
  return (
    <span class={`pill ${tone}`}>
      <span aria-hidden="true">{shape}</span> {state}
    </span>
  );
}

/** A moment as a person says it: the time today, else the day too. */
export function When({ at }: { readonly at: string }) {
  const date = new Date(at);
  const sameDay = date.toDateString() === new Date().toDateString();
  const text = date.toLocaleString(undefined, {
    ...(sameDay ? {} : { day: "numeric", month: "short" }),
    hour: "2-digit",
    minute: "2-digit",
  });
  return <time dateTime={at} title={date.toLocaleString()}>{text}</time>;
}

/** Parts of a page, each with an address of its own below `at`. */
export function Tabs({ label, at, tabs, current }: {
  readonly label: string;
  readonly at: string;
  readonly tabs: readonly (readonly [name: string, title: string])[];
  readonly current: string;
}) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map(([name, title]) => (
        <a key={name} href={`${at}/${name}`} aria-current={name === current ? "page" : undefined}>{title}</a>
      ))}
    </nav>
  );
}

/** A table that may be wider than the page; the keyboard reaches it to scroll. */
export function Scroll({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  return <div class="card table-card" role="region" aria-label={label} tabIndex={0}>{children}</div>;
}

/** Lines of a unified diff, what goes and what comes told apart. */
export function Patch({ text }: { readonly text: string }) {
  return (
    <pre tabIndex={0} class="difference">
      {text.replace(/\n$/, "").split("\n").map((line, index) => {
        if (line.startsWith("+") && !line.startsWith("+++")) return <ins key={index}>{line}</ins>;
        if (line.startsWith("-") && !line.startsWith("---")) return <del key={index}>{line}</del>;
        return `${line}\n`;
      })}
    </pre>
  );
}

/** Something that unfolds. */
export function Fold({ summary, open = false, children }: {
  readonly summary: ComponentChildren;
  /** At first. */
  readonly open?: boolean;
  readonly children: ComponentChildren;
}) {
  return (
    <details class="fold" open={open}>
      <summary>{summary}</summary>
      {children}
    </details>
  );
}

/** Something that is loaded when it unfolds for the first time. */
export function LateFold({ summary, children }: {
  readonly summary: ComponentChildren;
  children(): ComponentChildren;
}) {
  const [wasOpened, setWasOpened] = useState(false);
  return (
    <details class="fold" onToggle={() => setWasOpened(true)}>
      <summary>{summary}</summary>
      {wasOpened && <div>{children()}</div>}
    </details>
  );
}

/** Names and values. */
export function Facts({ rows, class: style }: {
  readonly rows: readonly (readonly [name: string, value: ComponentChildren])[];
  readonly class?: string;
}) {
  return <dl class={style}>{rows.map(([name, value]) => [<dt>{name}</dt>, <dd>{value}</dd>])}</dl>;
}

/** What a dialog asks before something is done. */
export interface Question {
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly dangerous?: boolean;
}

/** Asks, while there is a question; tells whether it was agreed to. */
export function Confirm({ question, onAnswer }: {
  readonly question: Question | undefined;
  onAnswer(agreed: boolean): void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (question !== undefined) dialog.current?.showModal();
  }, [question !== undefined]);
  if (question === undefined) return null;
  return (
    <dialog
      ref={dialog}
      class="card"
      aria-label={question.title}
      onClose={({ currentTarget }) => onAnswer(currentTarget.returnValue === "yes")}
    >
      <h2>{question.title}</h2>
      <p>{question.text}</p>
      <form method="dialog" class="actions">
        <button type="submit" value="no" autofocus>Cancel</button>
        <button type="submit" value="yes" class={question.dangerous ? "danger" : "primary"}>{question.action}</button>
      </form>
    </dialog>
  );
}

/** Something that is loaded: not there yet, there, or not to be had. */
export type Loaded<T> =
  | { readonly state: "loading" }
  | { readonly state: "loaded"; readonly value: T }
  | { readonly state: "failed"; readonly error: unknown };

/**
 * Loads something, and again whenever one of `inputs` changes or `reload` is called. What was there stays until the new
 * is, so that nothing jumps.
 */
export function useLoaded<T>(
  load: (signal: AbortSignal) => Promise<T>,
  inputs: readonly unknown[],
): { readonly loaded: Loaded<T>; reload(): void } {
  const [loaded, setLoaded] = useState<Loaded<T>>({ state: "loading" });
  const [round, setRound] = useState(0);
  useEffect(() => {
    const left = new AbortController();
    load(left.signal).then(
      (value) => left.signal.aborted || setLoaded({ state: "loaded", value }),
      (error) => left.signal.aborted || setLoaded({ state: "failed", error }),
    );
    return () => left.abort();
  }, [...inputs, round]);
  return { loaded, reload: () => setRound((current) => current + 1) };
}

/** Shows what was loaded, or why it was not. */
export function Loading<T>({ of, children }: { readonly of: Loaded<T>; children(value: T): ComponentChildren }) {
  switch (of.state) {
    case "loading":
      return null;
    case "failed":
      return <Failure error={of.error} />;
    case "loaded":
      return <>{children(of.value)}</>;
  }
}

interface AnyPage<T> {
  readonly items: readonly T[];
  readonly next?: string | number | undefined;
}

/** A list that the server gives a page at a time, begun anew whenever one of `inputs` changes. */
export function usePages<T>(
  load: (before: string | number | undefined, signal: AbortSignal) => Promise<AnyPage<T>>,
  inputs: readonly unknown[],
): { readonly loaded: Loaded<readonly T[]>; readonly more: (() => void) | undefined; reload(): void } {
  const { loaded, reload } = useLoaded((signal) => load(undefined, signal), inputs);
  const [further, setFurther] = useState<{ readonly of: unknown; readonly pages: readonly AnyPage<T>[] }>();
  if (loaded.state !== "loaded") return { loaded, more: undefined, reload };
  const later = further?.of === loaded.value ? further.pages : [];
  const pages = [loaded.value, ...later];
  const next = pages.at(-1)?.next;
  const more = async () => {
    const page = await load(next, new AbortController().signal);
    setFurther({ of: loaded.value, pages: [...later, page] });
  };
  const items = pages.flatMap((page) => page.items);
  return {
    loaded: { state: "loaded", value: items },
    more: next === undefined ? undefined : () => void more(),
    reload,
  };
}

/** The button below a list that has more. */
export function More({ onClick, text = "Show more" }: {
  readonly onClick: (() => void) | undefined;
  readonly text?: string;
}) {
  return onClick === undefined ? null : <button class="more" type="button" onClick={onClick}>{text}</button>;
}
