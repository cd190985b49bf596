import { AppError } from "../core/error.ts";
import { discover, toGrant } from "../extensions/discovery.ts";
import { readLock } from "../extensions/lock.ts";
import { disableExtension, enableExtension, findExtension } from "../extensions/manage.ts";
import { describePermissions } from "../extensions/manifest.ts";
import { type ExtensionView, toFoundView } from "../extensions/view.ts";
import { extensionChangedSchema, extensionsAnswerSchema } from "../http/extensions_api.ts";
import { findRunning } from "./admin_client.ts";
import { type ExtensionFlags, type ExtensionPlace, openExtensionPlace } from "./ext_place.ts";
import { type Ink, newInk } from "./ink.ts";
import { toPlain } from "./plain.ts";
import { toJsonText } from "./say.ts";
import { formatTable } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** `agent ext list`: every extension; as the running process has them, where one runs. */
export async function listExtensions(terminal: Terminal, flags: ExtensionFlags): Promise<number> {
  const views = await readViews(terminal, await openExtensionPlace(terminal, flags));
  terminal.print(flags.json ? toJsonText(views) : formatExtensions(views, newInk(terminal.color)));
  return 0;
}

/** Extensions for a person. */
function formatExtensions(views: readonly ExtensionView[], ink: Ink): string {
  if (views.length === 0) {
    return "There are no extensions. Begin one: agent ext new NAME. Install one: agent ext install PATH\n";
  }
  const paint = (cell: string) => cell === "up" ? ink.good(cell) : cell === "off" ? ink.dim(cell) : ink.warn(cell);
  const rows = views.map((
    view,
  ) => [view.id, view.version, view.state, sayWalls(view), view.reason ?? view.description]);
  return `${
    formatTable(
      [{ title: "ID" }, { title: "VERSION" }, { title: "STATE", paint }, { title: "WALLS" }, { title: "", max: 100 }],
      rows,
      ink,
    )
  }\n`;
}

/** `agent ext info ID`: all that is known of one. */
export async function showExtension(terminal: Terminal, flags: ExtensionFlags, id: string): Promise<number> {
  const views = await readViews(terminal, await openExtensionPlace(terminal, flags));
  const view = views.find((one) => one.id === id);
  if (view === undefined) throw newUnknown(id, views);
  terminal.print(flags.json ? toJsonText(view) : formatExtension(view, newInk(terminal.color)));
  return 0;
}

/** One extension for a person. */
function formatExtension(view: ExtensionView, ink: Ink): string {
  const line = (name: string, value: string) => value === "" ? [] : [`${ink.dim(name.padEnd(12))}${toPlain(value)}`];
  return [
    `${ink.bold(view.id)} ${view.version}  ${view.state}`,
    ...line("", view.description),
    ...line("why", view.reason ?? ""),
    ...line("author", view.author),
    ...line("signed by", view.signedBy ?? ""),
    ...line("folder", view.folder),
    ...line("walls", sayWalls(view)),
    ...line("tools", view.tools.join(", ")),
    ...line("hooks", view.hooks.join(", ")),
    "It asks to:",
    ...view.permissions.map((permission) => `  ${toPlain(permission)}`),
  ].join("\n") + "\n";
}

/** `agent ext enable ID`: asks where something new is asked for, and then lets it run. */
export async function enable(
  terminal: Terminal,
  flags: ExtensionFlags & { readonly yes: boolean },
  id: string,
): Promise<number> {
  const { places, dataDir } = await openExtensionPlace(terminal, flags);
  const { manifest, hash } = await findExtension(places, id);
  const agreed = (await readLock(places.installedDir))[id]?.granted === toGrant(manifest);
  if (!flags.json) {
    const asks = describePermissions(manifest).map((line) => `  ${line}\n`).join("");
    terminal.print(toPlain(`${id} ${manifest.version} asks to:\n${asks}`));
  }
  if (!agreed && !flags.yes) await askPerson(terminal, id);
  const running = await findRunning(dataDir, terminal.env);
  if (running === undefined) await enableExtension(places, id, hash, Date.now());
  else await running.admin.post(`/api/extensions/${id}/enable`, { hash }, extensionChangedSchema);
  const found = await findExtension(places, id);
  if (flags.json) terminal.print(toJsonText(toFoundView(found)));
  else terminal.print(`${id} is enabled.${found.fault === undefined ? "" : toPlain(` ${found.fault}`)}\n`);
  return 0;
}

/** `agent ext disable ID`. */
export async function disable(terminal: Terminal, flags: ExtensionFlags, id: string): Promise<number> {
  const { places, dataDir } = await openExtensionPlace(terminal, flags);
  const running = await findRunning(dataDir, terminal.env);
  if (running === undefined) await disableExtension(places, id);
  else await running.admin.post(`/api/extensions/${encodeURIComponent(id)}/disable`, {}, extensionChangedSchema);
  terminal.print(flags.json ? toJsonText({ id, enabled: false }) : `${id} is disabled.\n`);
  return 0;
}

async function askPerson(terminal: Terminal, id: string): Promise<void> {
  if (!terminal.interactive) {
    throw new AppError(
      "denied",
      `${id} asks for what nobody has agreed to yet. Read it, then: agent ext enable ${id} --yes`,
    );
  }
  terminal.print("Let it? [y/N] ");
  for await (const line of terminal.lines()) {
    if (/^y(es)?$/i.test(line.trim())) return;
    break;
  }
  throw new AppError("denied", `${id} was not enabled`);
}

/** As the running process has them; without one, as they lie on disk. */
async function readViews(terminal: Terminal, { places, dataDir }: ExtensionPlace): Promise<readonly ExtensionView[]> {
  const running = await findRunning(dataDir, terminal.env);
  if (running === undefined) return (await discover(places)).map(toFoundView);
  return (await running.admin.get("/api/extensions", {}, extensionsAnswerSchema)).extensions;
}

function newUnknown(id: string, views: readonly ExtensionView[]): AppError {
  return new AppError(
    "missing",
    `There is no extension ${id}. There are: ${views.map((view) => view.id).join(", ") || "none"}`,
  );
}

function sayWalls({ confinement }: ExtensionView): string {
  if (confinement === undefined) return "";
  return confinement.kind === "unconfined" ? `unconfined: ${confinement.reason}` : confinement.kind;
}
