import { useState } from "preact/hooks";
import type { ConfigPastView } from "../../src/http/config_api.ts";
import { get } from "../api.ts";
import { Difference } from "../difference.tsx";
import { Fold, Loading, useLoaded, When } from "../ui.tsx";

/** Texts that a file had before, each compared with what stands there now, and brought back. */
export function ConfigPasts({ path, current, onTake }: {
  readonly path: string;
  /** The file's text. */
  readonly current: string;
  onTake(text: string): void;
}) {
  const { loaded } = useLoaded((signal) => get<{ items: ConfigPastView[] }>("/api/config/history", {}, signal), [path]);
  return (
    <Loading of={loaded}>
      {({ items }) => {
        const own = items.filter((item) => item.path === path);
        if (own.length === 0) return null;
        return (
          <section>
            <h2>Earlier texts</h2>
            <div class="list">{own.map((past) => <Past key={past.id} {...{ past, current, onTake }} />)}</div>
          </section>
        );
      }}
    </Loading>
  );
}

function Past({ past, current, onTake }: {
  readonly past: ConfigPastView;
  readonly current: string;
  onTake(text: string): void;
}) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="unfold" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary class="row">
        <span>
          Until <When at={past.replacedAt} />
        </span>
      </summary>
      {isOpen && <PastText id={past.id} current={current} onTake={onTake} />}
    </details>
  );
}

function PastText({ id, current, onTake }: {
  readonly id: string;
  readonly current: string;
  onTake(text: string): void;
}) {
  const { loaded } = useLoaded(
    (signal) => get<{ text: string }>(`/api/config/history/${encodeURIComponent(id)}`, {}, signal),
    [id],
  );
  return (
    <Loading of={loaded}>
      {({ text }) => (
        <>
          {text === current ? <p class="soft">The same as now.</p> : (
            <>
              <p class="soft">What stands there now becomes this text like so:</p>
              <Difference before={current} after={text} />
            </>
          )}
          <Fold summary="The whole text">
            <pre tabIndex={0}>{text || "(empty)"}</pre>
          </Fold>
          <p class="filters">
            <button type="button" onClick={() => onTake(text)}>Put it into the editor</button>
          </p>
        </>
      )}
    </Loading>
  );
}
