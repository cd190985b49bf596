import type { AuditEntry } from "../../src/http/audit_api.ts";
import { get } from "../api.ts";
import { Empty, Head, Loading, More, usePages, When } from "../ui.tsx";

/** Who did what: logins, decisions, edits, replays. */
export function AuditPage() {
  const { loaded, more } = usePages<AuditEntry>(
    (before, signal) => get("/api/audit", { before }, signal),
    [],
  );
  return (
    <>
      <Head title="Audit" />
      <Loading of={loaded}>
        {(entries) =>
          entries.length === 0
            ? (
              <Empty title="Nobody did anything yet.">
                <p>Logins, edits of the config, who was let in, and what was replayed or purged stand here.</p>
              </Empty>
            )
            : (
              <>
                <div class="list">
                  {entries.map(({ id, at, actor, action, agent, target }) => (
                    <div class="row" key={id}>
                      <span>
                        <strong class="mono">{action}</strong>{" "}
                        <span class="soft">{[agent, target].filter((part) => part).join(" · ")}</span>
                      </span>
                      <span class="soft">{actor}</span>
                      <When at={at} />
                    </div>
                  ))}
                </div>
                <More of={more} />
              </>
            )}
      </Loading>
    </>
  );
}
