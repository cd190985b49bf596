import type { ConfigSettingView } from "../../src/http/config_api.ts";
import { get } from "../api.ts";
import { Head, Loading, useLoaded } from "../ui.tsx";
import { pretty } from "../words.ts";

/** The config as it is in force, for viewers: what stands in its files may be secret. */
export function SettingsPage() {
  const { loaded } = useLoaded(
    (signal) => get<{ items: readonly ConfigSettingView[] }>("/api/config/explain", {}, signal),
    [],
  );
  return (
    <>
      <Head title="Config" />
      <p class="soft">
        What is in force, and where it comes from. The files themselves are for operators: they can hold secrets.
      </p>
      <Loading of={loaded}>
        {({ items }) => (
          <div class="list">
            {items.filter(({ value }) => value !== undefined).map(({ path, value, origin }) => (
              <div class="row setting-row" key={path}>
                <strong class="mono">{path}</strong>
                <span class="mono">{pretty(value)}</span>
                <span class="soft">{origin}</span>
              </div>
            ))}
          </div>
        )}
      </Loading>
    </>
  );
}
