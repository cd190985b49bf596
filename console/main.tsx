import { render } from "preact";
import { App, restoreTheme } from "./app.tsx";
import { openLiveStatus } from "./live.ts";

restoreTheme();
render(<App live={openLiveStatus()} />, document.body);
