import type { Signal } from "@preact/signals";
import type { Status } from "../../src/http/api.ts";
import { Head, Pill } from "../ui.tsx";

/** The models that could answer, and what is missing where they could not. */
export function ModelsPage({ status }: { readonly status: Signal<Status | undefined> }) {
  return (
    <>
      <Head title="Models" />
      <div class="list">
        {status.value?.models.map(({ provider, model, configured, missing }) => (
          <div class="row model-row" key={`${provider}/${model}`}>
            <span class="mono">{provider}/{model}</span>
            {configured ? <Pill state="ready" /> : <span class="soft">{missing ?? "not configured"}</span>}
          </div>
        ))}
      </div>
    </>
  );
}
