import { dirname, join, resolve, sep } from "node:path";
import { toAppError } from "../core/error.ts";
import { toShellWord } from "../lib/shell.ts";

/** What is wrong with a reference, or unwise about it. */
export interface ReferenceProblem {
  readonly message: string;
  readonly remedy: string;
  /** What is referred to is not there. */
  readonly isUnfinished?: boolean;
}

/** A scalar with its references replaced. */
export interface ResolvedText {
  readonly text: string;
  /** Where the replaced parts came from, in words: `environment X`. Empty: the text held no reference. */
  readonly sources: readonly string[];
  readonly problems: readonly ReferenceProblem[];
  readonly warnings: readonly ReferenceProblem[];
  /** Real paths of the secret files that were read. */
  readonly files: readonly string[];
  /** What was put in, and for which reference. */
  readonly found: readonly ReferenceFound[];
}

/** What stands for a reference. */
export interface ReferenceFound {
  /** As it is written: `${NAME}`. */
  readonly reference: string;
  readonly text: string;
}

/** Where references look. */
export interface ReferenceScope {
  /** Config folder. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The mount points that container runtimes use for secrets; the runtime, not the user, sets the modes there. */
const containerSecretDirs = ["/run/secrets", "/var/run/secrets"] as const;

/** A key, a token or a certificate chain fits well; a wrong path to something huge does not. */
const maxSecretFileBytes = 65_536;

/**
 * Replaces `${VAR}`, `${VAR:-default}` and `${file:path}` in one parsed scalar; `$${` stands for a literal `${`.
 * What is put in is never read again, so it can hold anything.
 */
export async function resolveReferences(text: string, scope: ReferenceScope): Promise<ResolvedText> {
  const sources: string[] = [];
  const problems: ReferenceProblem[] = [];
  const warnings: ReferenceProblem[] = [];
  const files: string[] = [];
  const all: ReferenceFound[] = [];
  let resolved = "";
  let end = 0;
  for (const match of text.matchAll(/\$\$\{|\$\{([^}]*)(\}?)/g)) {
    resolved += text.slice(end, match.index);
    end = match.index + match[0].length;
    if (match[0] === "$${") {
      resolved += "${";
      continue;
    }
    const body = match[1] ?? "";
    const found = match[2] === "}" ? await lookUp(body, scope) : unreadable();
    if ("message" in found) {
      problems.push(found);
      continue;
    }
    resolved += found.text;
    sources.push(found.source);
    all.push({ reference: match[0], text: found.text });
    if (found.file !== undefined) files.push(found.file);
    if (found.warning !== undefined) warnings.push(found.warning);
  }
  return { text: resolved + text.slice(end), sources, problems, warnings, files, found: all };
}

interface Found {
  readonly text: string;
  readonly source: string;
  readonly file?: string;
  readonly warning?: ReferenceProblem;
}

function lookUp(body: string, scope: ReferenceScope): Promise<Found | ReferenceProblem> | Found | ReferenceProblem {
  if (body.startsWith("file:")) return readSecretFile(body.slice("file:".length), scope.dir);
  const [, name, fallback] = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(body) ?? [];
  if (name === undefined) return unreadable();
  const value = scope.env[name];
  // Set but empty counts as missing: a forgotten variable of a compose file arrives exactly like that.
  if (value !== undefined && value !== "") return { text: value, source: `environment ${name}` };
  if (fallback !== undefined) return { text: fallback, source: `default of \${${name}:-}` };
  return {
    message: `\${${name}} is not set`,
    remedy: `Set ${name} in the environment, or write \${${name}:-} to go without`,
    isUnfinished: true,
  };
}

function unreadable(): ReferenceProblem {
  return {
    message: "holds a ${ that begins no reference",
    remedy: "Write ${NAME}, ${NAME:-default} or ${file:path}; for the two letters themselves write $${",
  };
}

async function readSecretFile(path: string, dir: string): Promise<Found | ReferenceProblem> {
  const label = `\${file:${path}}`;
  try {
    const root = await Deno.realPath(dir);
    const real = await Deno.realPath(resolve(root, path));
    const ownDirs = [root, ...await realDirs([join(dirname(root), "secrets")])];
    const mounted = isInside(real, await realDirs(containerSecretDirs));
    if (!mounted && !isInside(real, ownDirs)) {
      return {
        message: `${label} leads out of the folders that may hold secrets`,
        remedy: "Move the file into the config folder, into secrets/ beside it, or under /run/secrets",
      };
    }
    const info = await Deno.stat(real);
    if (!info.isFile || info.size > maxSecretFileBytes) {
      return {
        message: `${label} is no file of at most ${maxSecretFileBytes} bytes`,
        remedy: "Name a file that holds the value and nothing else",
      };
    }
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await Deno.readFile(real));
    const found = { text: text.replace(/\r?\n$/, ""), source: `file ${path}`, file: real };
    if (mounted || info.mode === null || (info.mode & 0o044) === 0) return found;
    const warning = { message: `${label} can be read by other users`, remedy: `Run: chmod 600 ${toShellWord(real)}` };
    return { ...found, warning };
  } catch (error) {
    return {
      message: `${label} cannot be read: ${whyUnreadable(error)}`,
      remedy: "Create the file (a relative path starts in the config folder), or correct the path",
      isUnfinished: toAppError(error).kind === "missing",
    };
  }
}

/** Shortest text that is blanked: less is in any message, and no secret. */
const hiddenChars = 4;

/** A message with references in the place of what stands for them: that may be a secret, whatever setting it is in. */
export function hideFound(message: string, found: readonly ReferenceFound[]): string {
  return found.filter(({ text }) => text.length >= hiddenChars)
    .toSorted((one, other) => other.text.length - one.text.length)
    .reduce((hidden, { text, reference }) => hidden.replaceAll(text, () => reference), message);
}

/** Says in a few words why a file could not be read. */
export function whyUnreadable(error: unknown): string {
  switch (toAppError(error).kind) {
    case "missing":
      return "there is no such file";
    case "denied":
      return "permission denied";
    case "invalid":
    case "conflict":
    case "unavailable":
    case "timeout":
    case "cancelled":
    case "bug":
      return error instanceof TypeError ? "it is not UTF-8 text" : toAppError(error).message;
  }
}

/** The real paths of those of `dirs` that exist. */
export async function realDirs(dirs: readonly string[]): Promise<string[]> {
  const real: string[] = [];
  for (const dir of dirs) {
    try {
      real.push(await Deno.realPath(dir));
    } catch (error) {
      // A folder that is not there holds no secret; anything else is the caller's to report.
      if (toAppError(error).kind !== "missing") throw error;
    }
  }
  return real;
}

function isInside(path: string, dirs: readonly string[]): boolean {
  return dirs.some((dir) => path.startsWith(dir.endsWith(sep) ? dir : dir + sep));
}
