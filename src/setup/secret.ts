import { giveToOwnerOf, makeOwnFolder } from "../config/owner.ts";
import { AppError, toAppError } from "../core/error.ts";
import { newSecret, type Secret } from "../core/secret.ts";
import { splitLines } from "../cli/terminal.ts";
import { isThere, listNames, removeIfThere } from "../folder/files.ts";

/** A secret for a file of its own in the folder `secrets` of the config. */
export interface SecretFile {
  /** Name of the file: letters, digits, - and _. */
  readonly name: string;
  readonly value: Secret;
}

/** References read no more from a file. */
const maxBytes = 65_536;

/** What is wrong with a key, token or password as it was pasted; `undefined`: nothing. Never quotes it. */
export function whyNoSecret(text: string): string | undefined {
  if (text.trim() === "") return "is empty";
  if (text.length > maxBytes) return `is longer than ${maxBytes} characters`;
  if (/\p{Cc}/u.test(text.trim())) return "has a line end or another control character in it";
  return undefined;
}

/** A pasted secret, without the blanks around it. @throws {AppError} `invalid` */
export function toSecret(text: string, what: string): Secret {
  const fault = whyNoSecret(text);
  if (fault !== undefined) throw new AppError("invalid", `The ${what} ${fault}`);
  return newSecret(text.trim());
}

/**
 * Reads a secret from a file; `-` is standard input.
 *
 * @throws {AppError} `missing` and the like, or `invalid` for what is no secret.
 */
export async function readSecret(path: string, what: string): Promise<Secret> {
  return toSecret(path === "-" ? await readStandardInput() : await readFile(path, what), what);
}

/** Writes secret files, each whole or not at all; disposing what this gives takes back what was not kept. */
export async function writeSecrets(configDir: string, secrets: readonly SecretFile[]): Promise<WrittenSecrets> {
  const folder = `${configDir}/secrets`;
  await using made = new AsyncDisposableStack();
  const later: (() => Promise<void>)[] = [];
  const make = (path: string) => made.defer(() => removeIfThere(path));
  if (secrets.length > 0 && !await isThere(folder)) {
    await makeOwnFolder(folder);
    // Another setup may have put a secret there meanwhile.
    made.defer(async () => (await listNames(folder)).length > 0 ? undefined : await removeIfThere(folder));
  } else if (secrets.length > 0) later.push(() => Deno.chmod(folder, 0o700));
  for (const { name, value } of secrets) {
    const path = `${folder}/${name}`;
    const unfinished = `${folder}/.${crypto.randomUUID()}`;
    make(unfinished);
    await Deno.writeTextFile(unfinished, `${value.reveal()}\n`, { createNew: true, mode: 0o600 });
    await giveToOwnerOf(folder, unfinished);
    const settle = () => Deno.rename(unfinished, path);
    // A new one must be there when the config is checked; one that is in use waits until the config is written.
    if (await isThere(path)) later.push(settle);
    else {
      await settle();
      make(path);
    }
  }
  let undo = made.move();
  return {
    async keep() {
      for (const settle of later) await settle();
      undo = new AsyncDisposableStack();
    },
    [Symbol.asyncDispose]: () => undo.disposeAsync(),
  };
}

/** Secret files that are there for now. */
export interface WrittenSecrets extends AsyncDisposable {
  /** They stay, and take the place of those that were there before. */
  keep(): Promise<void>;
}

async function readStandardInput(): Promise<string> {
  const lines: string[] = [];
  for await (const line of splitLines(Deno.stdin.readable.pipeThrough(new TextDecoderStream()))) lines.push(line);
  return lines.join("\n");
}

async function readFile(path: string, what: string): Promise<string> {
  try {
    const { size } = await Deno.stat(path);
    if (size > maxBytes) throw new AppError("invalid", `${path} is larger than ${maxBytes} bytes`);
    return await Deno.readTextFile(path);
  } catch (thrown) {
    const { kind, message } = toAppError(thrown);
    throw new AppError(kind, `Cannot read the ${what} from ${path}: ${message}`);
  }
}
