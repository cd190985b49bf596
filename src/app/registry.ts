import type { Clock } from "../core/clock.ts";
import type { Plugin } from "../core/plugin.ts";
import type { Tool } from "../core/tool.ts";
import { email } from "../../plugins/email/plugin.ts";
import { telegram } from "../../plugins/telegram/plugin.ts";
import { whatsapp } from "../../plugins/whatsapp/plugin.ts";
import { calculateTool } from "../tools/calculate.ts";
import { newCurrentTimeTool } from "../tools/current_time.ts";

/** Every plugin. A static list: the compiled program must see each worker, the type checker each part. */
export const plugins: readonly Plugin[] = [telegram, email, whatsapp];

/** Every built-in tool but those that the agents' room makes itself. */
export function newBuiltInTools(clock: Clock): readonly Tool[] {
  return [calculateTool, newCurrentTimeTool(clock)];
}
