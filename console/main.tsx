import { render } from "preact";
import type { Me } from "../src/http/tokens_api.ts";
import { get } from "./api.ts";
import { App, restoreTheme } from "./app.tsx";
import { openLiveStatus } from "./live.ts";
import { Failure } from "./ui.tsx";
import { shutWhatChanges } from "./viewer.ts";

restoreTheme();
get<Me>("/api/me").then(
  (me) => {
    if (me.role === "viewer") shutWhatChanges();
    render(<App live={openLiveStatus()} me={me} />, document.body);
  },
  (error) => render(<Failure error={error} />, document.body),
);
