import { findProgram } from "../child/system.ts";
import { AppError } from "../core/error.ts";
import { openPrompts } from "./prompts.ts";
import { installService, isRoot } from "./service.ts";
import type { Site } from "./site.ts";

/** The wizard's last step: shows the unit, and installs it when the person says so. @throws {AppError} */
export async function setUpService({ terminal, configDir, dataDir }: Site): Promise<void> {
  if (await findProgram("systemctl") === undefined) {
    throw new AppError("unavailable", "There is no systemd here. What to run instead: agent service install --print");
  }
  const prompts = await openPrompts();
  const canChangeMachine = await isRoot();
  const whose = await prompts.choose("Whose service shall it be?", [
    { value: "user", label: "yours", hint: "runs while you are logged in, or always with loginctl enable-linger" },
    { value: "machine", label: "the machine's", hint: canChangeMachine ? "starts with it" : "needs sudo" },
  ], canChangeMachine ? "machine" : "user");
  const flags = { config: configDir, data: dataDir, user: whose === "user" };
  await installService(terminal, { ...flags, print: true });
  if (!await prompts.confirm("Write this unit and start it?", true)) {
    throw new AppError("cancelled", "Nothing was written");
  }
  await installService(terminal, { ...flags, print: false });
}
