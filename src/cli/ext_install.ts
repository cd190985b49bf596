import { AppError, errorKinds, toAppError } from "../core/error.ts";
import { readArchive, unpackArchive } from "../extensions/archive.ts";
import { listFiles } from "../extensions/folder.ts";
import { installExtension, uninstallExtension } from "../extensions/install.ts";
import {
  describePermissions,
  extensionId,
  type Manifest,
  manifestName,
  parseManifest,
  readManifest,
} from "../extensions/manifest.ts";
import { toStateDir } from "../extensions/places.ts";
import { type TemplateName, toTemplate } from "../extensions/templates.ts";
import { type ExtensionFlags, openExtensionPlace } from "./ext_place.ts";
import { toPlain } from "./plain.ts";
import { toJsonText } from "./say.ts";
import type { Terminal } from "./terminal.ts";

/** `agent ext install PATH`. */
export async function install(terminal: Terminal, flags: ExtensionFlags, source: string): Promise<number> {
  const { config, places } = await openExtensionPlace(terminal, flags);
  const { manifest, signedBy, replaced } = await installExtension({
    installedDir: places.installedDir,
    source,
    trustedKeys: config.trusted_keys,
    requireSignature: config.require_signature,
  });
  const { id, version } = manifest;
  if (flags.json) terminal.print(toJsonText({ id, version, signedBy: signedBy ?? null, replaced: replaced ?? null }));
  else {
    const by = signedBy === undefined ? "unsigned" : `signed by ${signedBy}`;
    const place = replaced === undefined ? "" : ` in the place of ${replaced}`;
    terminal.print(toPlain(`${id} ${version} is installed${place} (${by}). To let it run: agent ext enable ${id}\n`));
  }
  return 0;
}

/** `agent ext uninstall ID`. */
export async function uninstall(terminal: Terminal, flags: ExtensionFlags, id: string): Promise<number> {
  const { places, dataDir } = await openExtensionPlace(terminal, flags);
  await uninstallExtension(places.installedDir, id);
  const kept = toStateDir(dataDir, id);
  terminal.print(
    flags.json ? toJsonText({ id, installed: false, kept }) : `${id} is gone. What it has kept is in ${kept}\n`,
  );
  return 0;
}

/** `agent ext validate PATH`: every fault of a folder or archive, without running anything of it. */
export async function validate(terminal: Terminal, flags: { readonly json: boolean }, source: string): Promise<number> {
  try {
    const manifest = (await Deno.stat(source)).isDirectory ? await checkFolder(source) : await checkArchive(source);
    if (flags.json) terminal.print(toJsonText({ ok: true, id: manifest.id, version: manifest.version }));
    else {
      const asks = describePermissions(manifest).map((line) => `  ${line}\n`).join("");
      terminal.print(toPlain(`OK: ${manifest.id} ${manifest.version}. It asks to:\n${asks}`));
    }
    return 0;
  } catch (thrown) {
    const error = toAppError(thrown);
    if (!flags.json || (error.kind !== "invalid" && error.kind !== "missing")) throw error;
    terminal.print(toJsonText({ ok: false, fault: error.message }));
    return errorKinds[error.kind].exitCode;
  }
}

/** `agent ext new NAME`. */
export async function create(
  terminal: Terminal,
  flags: { readonly template: TemplateName; readonly json: boolean },
  name: string,
): Promise<number> {
  const id = name.slice(name.lastIndexOf("/") + 1);
  const checked = extensionId.safeParse(id);
  if (!checked.success) {
    throw new AppError("invalid", `"${id}" is no good name: it ${checked.error.issues[0]?.message}`);
  }
  try {
    await Deno.mkdir(name);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.AlreadyExists) throw new AppError("conflict", `${name} is there already`);
    throw thrown;
  }
  const files = toTemplate(flags.template, id);
  for (const { path, text, executable } of files) {
    await Deno.writeTextFile(`${name}/${path}`, text, { mode: executable ? 0o755 : 0o644 });
  }
  if (flags.json) terminal.print(toJsonText({ id, folder: name, files: files.map(({ path }) => path) }));
  else {
    terminal.print(`${name} is begun. Try it:
  agent ext install ${name} && agent ext enable ${id}
  agent ext run ${id} greet '{"name":"Ana"}'
`);
  }
  return 0;
}

async function checkFolder(folder: string): Promise<Manifest> {
  await listFiles(folder);
  return await readManifest(folder);
}

async function checkArchive(path: string): Promise<Manifest> {
  const files = await unpackArchive(await readArchive(path));
  const manifest = files.find((file) => file.path === manifestName);
  if (manifest === undefined) throw new AppError("invalid", `There is no ${manifestName} in ${path}`);
  return parseManifest(new TextDecoder().decode(manifest.content), manifestName);
}
