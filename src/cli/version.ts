import { version } from "../core/version.ts";
import { toJsonText } from "./say.ts";
import type { Terminal } from "./terminal.ts";

/** `agent version`. */
export function showVersion(terminal: Terminal, { json }: { readonly json: boolean }): Promise<number> {
  const { deno, v8 } = Deno.version;
  terminal.print(json ? toJsonText({ version, deno, v8 }) : `nexo ${version} (deno ${deno}, v8 ${v8})\n`);
  return Promise.resolve(0);
}
