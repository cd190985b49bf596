import { applyPatch, createTwoFilesPatch, reversePatch, structuredPatch } from "diff";
import { AppError } from "../core/error.ts";
import {
  isShown,
  type Workspace,
  type WorkspaceCommit,
  type WorkspaceEdit,
  type WorkspacePatch,
  type WorkspaceReason,
  type WorkspaceTrouble,
  type WorkspaceView,
} from "../core/workspace.ts";
import { isThere } from "../folder/files.ts";
import { clearDrafts, type FolderFile, openFolder } from "../folder/folder.ts";
import { isInnerPath, toInnerPath } from "../folder/path.ts";
import { findSecret } from "../lib/find_secret.ts";
import { toTextVersion } from "../lib/text_version.ts";
import { keyOf, toMessage, toView } from "./message.ts";
import { type Commit, openRepository, type Repository, toEntry, type Tree, type TreeEntry } from "./repository.ts";

/** Largest file that the history takes, bytes; prompts show 20,000 characters of one. */
const fileBound = 262_144;
/** How many files there may be, and how large they may be together. */
const countBound = 2_000;
const sizeBound = 50_000_000;
/** Commits that one page of a history looks at. */
const historyBound = 2_000;
/** Commits among which a change that is run again looks for itself: what others did while the process was restarted. */
const keysBound = 20;
/** Files of which one diff shows what changed. */
const patchBound = 100;
const diffMs = 2_000;

/** What {@linkcode openStore} needs. */
export interface StoreDeps {
  /** The workspace's folder; it is made where it is not there. */
  readonly folder: string;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Values that must not come into the history, as they are now. */
  secrets(): readonly string[];
}

/** Opens the files and the history of one agent, and ends what a killed process left half done. */
export async function openStore({ folder: path, now, secrets }: StoreDeps): Promise<Workspace> {
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  const folder = await openFolder(path);
  await clearDrafts(path);
  let opened: Repository | undefined;
  /** What the last look found out about each file. */
  const seen = new Map<string, { readonly stamp: string; readonly oid: string }>();
  let troubles: readonly WorkspaceTrouble[] = [];
  const enqueue = newQueue();

  const openHistory = async (): Promise<Repository> => {
    if (opened !== undefined) return opened;
    const repository = await openRepository(path);
    await recover(repository);
    return opened = repository;
  };

  /** A commit that had happened when the process was killed is brought to an end; one that had not is forgotten. */
  async function recover(repository: Repository): Promise<void> {
    const pending = await repository.remembered();
    if (pending === undefined) return;
    if (await repository.head() === pending) {
      const { parent } = await repository.commit(pending);
      await settle(repository, parent, pending);
    }
    await repository.remember(undefined);
  }

  /** Id of what a file holds; of a link, or a folder in its place, none that a commit has. */
  async function idOfFile(repository: Repository, one: string): Promise<string | undefined> {
    try {
      const bytes = await folder.read(one, Number.MAX_SAFE_INTEGER);
      return bytes === undefined ? undefined : await repository.idOf(bytes);
    } catch (thrown) {
      if (thrown instanceof AppError) return "";
      throw thrown;
    }
  }

  /** Brings the files from one commit to the next, and gives the paths that differ. */
  async function settle(repository: Repository, from: string | undefined, to: string): Promise<readonly string[]> {
    const paths = await repository.changes(from, to);
    const [before, after] = await Promise.all([repository.tree(from), repository.tree(to)]);
    for (const changed of paths.filter(isInnerPath)) {
      // What is not as it was is either done already, or the work of a person in the meantime.
      if (await idOfFile(repository, changed) !== before.get(changed)?.oid) continue;
      const entry = after.get(changed);
      if (entry === undefined) await folder.remove(changed);
      else await folder.write(changed, await repository.content(entry.oid));
    }
    await repository.stage(paths, after);
    return paths;
  }

  /** Makes a commit happen: from the moment of its publishing on it is carried through, whatever happens. */
  async function carryOut(
    repository: Repository,
    parent: string | undefined,
    tree: Tree,
    reason: WorkspaceReason,
  ): Promise<WorkspaceCommit> {
    const id = await repository.prepare(tree, parent, toMessage(reason, now()));
    await repository.remember(id);
    // Until the end is reached the next one who comes has to carry it out.
    opened = undefined;
    await repository.publish(id);
    const paths = await settle(repository, parent, id);
    await repository.remember(undefined);
    opened = repository;
    return toView(await repository.commit(id), paths);
  }

  /** Takes what a person changed into the history, and gives the newest commit with its files. */
  async function takeHandwork(
    repository: Repository,
  ): Promise<{ readonly head: string | undefined; readonly tree: Tree }> {
    const head = await repository.head();
    const before = await repository.tree(head);
    const after = new Map(before);
    const { files, strange } = await folder.list(countBound + 1);
    const found: WorkspaceTrouble[] = strange.map((one) => ({
      path: one,
      reason: `${one} is a link, or has a name that is not taken. Put the file itself there, under a plain name`,
    }));
    if (files.length > countBound) {
      found.push({ path: ".", reason: `There are more than ${countBound} files. Take some away` });
    }
    for (const file of files.slice(0, countBound)) {
      const trouble = await takeFile(repository, file, after);
      if (trouble !== undefined) found.push({ path: file.path, reason: trouble });
    }
    const there = new Set([...files.map((file) => file.path), ...strange]);
    for (const known of before.keys()) {
      if (files.length <= countBound && isInnerPath(known) && !there.has(known)) after.delete(known);
    }
    troubles = found;
    const changed = [...after].filter(([known, { oid }]) => before.get(known)?.oid !== oid).map(([known]) => known);
    const gone = [...before.keys()].filter((known) => !after.has(known));
    const touched = [...changed, ...gone];
    if (touched.length === 0) return { head, tree: before };
    const names = touched.slice(0, 5).join(", ") + (touched.length > 5 ? " and more" : "");
    const { id } = await carryOut(repository, head, after, { author: "operator", why: `Edited by hand: ${names}` });
    return { head: id, tree: after };
  }

  /** Puts a file as it is into `after`, or says why the history does not take it. */
  async function takeFile(
    repository: Repository,
    file: FolderFile,
    after: Map<string, TreeEntry>,
  ): Promise<string | undefined> {
    const known = after.get(file.path);
    const last = seen.get(file.path);
    if (last?.stamp === file.stamp && last.oid === known?.oid) return undefined;
    if (file.sizeBytes > fileBound) return `${file.path} is larger than ${fileBound} bytes. Keep it elsewhere`;
    const bytes = await folder.read(file.path, fileBound);
    if (bytes === undefined) return undefined;
    const oid = await repository.idOf(bytes);
    if (oid !== known?.oid) {
      const secret = findSecret(new TextDecoder().decode(bytes), secrets());
      if (secret !== undefined) {
        return `${file.path} line ${secret.line} looks like ${secret.what}. Take it out, and keep it in the config's environment`;
      }
      after.set(file.path, { ...known ?? toEntry(oid), oid: await repository.store(bytes) });
    }
    seen.set(file.path, { stamp: file.stamp, oid });
    return undefined;
  }

  async function toContent(edit: WorkspaceEdit): Promise<Uint8Array | undefined> {
    if (edit.kind === "delete") return undefined;
    const there = edit.kind === "append" ? await folder.read(edit.path, fileBound) : undefined;
    const text = there === undefined ? edit.text : joinLines(toText(edit.path, there), edit.text);
    const bytes = new TextEncoder().encode(text);
    if (bytes.length > fileBound) {
      throw new AppError("invalid", `${edit.path} would have ${bytes.length} bytes, and ${fileBound} are the most`, {
        reason: "too_large",
      });
    }
    refuseSecret(`${edit.path}, line`, text);
    return bytes;
  }

  async function requireBase({ path: one, base }: WorkspaceEdit): Promise<void> {
    if (base === undefined) return;
    const bytes = await folder.read(one, fileBound);
    if (base === (bytes === undefined ? "" : await toTextVersion(toText(one, bytes)))) return;
    throw new AppError("conflict", `Nothing was written: ${one} was changed meanwhile. Compare, and save again`, {
      reason: "edited_meanwhile",
    });
  }

  function refuseSecret(place: string, text: string): void {
    const secret = findSecret(text, secrets());
    if (secret === undefined) return;
    throw new AppError(
      "denied",
      `Nothing was written: ${place} ${secret.line}, looks like ${secret.what}, and what is written is kept for good. Leave it out`,
      { reason: "secret" },
    );
  }

  async function requireRoom(tree: Tree): Promise<void> {
    if (tree.size > countBound) {
      throw new AppError("invalid", `There may be at most ${countBound} files. Delete some first`, {
        reason: "too_many",
      });
    }
    const { files } = await folder.list(countBound);
    if (files.reduce((sum, file) => sum + file.sizeBytes, 0) <= sizeBound) return;
    throw new AppError("invalid", `The files have more than ${sizeBound} bytes together. Delete some first`, {
      reason: "too_large",
    });
  }

  async function findDone(
    repository: Repository,
    head: string | undefined,
    key: string,
  ): Promise<WorkspaceCommit | undefined> {
    let next = head;
    for (let looked = 0; next !== undefined && looked < keysBound; looked++) {
      const commit = await repository.commit(next);
      if (keyOf(commit) === key) return toView(commit, await repository.changes(commit.parent, commit.id));
      next = commit.parent;
    }
    return undefined;
  }

  const readText = async (repository: Repository, entry: TreeEntry | undefined): Promise<string | undefined> =>
    entry?.type !== "blob" ? "" : decode(await repository.content(entry.oid));

  async function toPatch(repository: Repository, changed: string, from: Tree, to: Tree): Promise<WorkspacePatch> {
    const [old, young] = [from.get(changed), to.get(changed)];
    const texts = await Promise.all([readText(repository, old), readText(repository, young)]);
    const [before, after] = texts;
    if (before === undefined || after === undefined) return { path: changed, patch: "" };
    const names = [
      old === undefined ? "/dev/null" : `a/${changed}`,
      young === undefined ? "/dev/null" : `b/${changed}`,
    ];
    const options = { context: 3, timeout: diffMs };
    const patch = createTwoFilesPatch(names[0] ?? "", names[1] ?? "", before, after, undefined, undefined, options);
    return { path: changed, patch: patch?.replace(/^=+\n/, "") ?? `${changed} has changed too much to be compared\n` };
  }

  /** What a file becomes when the change from `before` to `after` is taken out of what it is `now`. */
  async function undo(
    repository: Repository,
    changed: string,
    { before, after, current }: { readonly before: Tree; readonly after: Tree; readonly current: Tree },
  ): Promise<TreeEntry | undefined> {
    const [old, made, present] = [before.get(changed), after.get(changed), current.get(changed)];
    if (present?.oid === made?.oid || present?.oid === old?.oid) return old;
    const texts = await Promise.all([old, made, present].map((entry) => readText(repository, entry)));
    const [oldText, madeText, presentText] = texts;
    if (old !== undefined && made !== undefined && present !== undefined) {
      if (oldText !== undefined && madeText !== undefined && presentText !== undefined) {
        const patch = structuredPatch(changed, changed, oldText, madeText, undefined, undefined, { timeout: diffMs });
        const text = patch === undefined ? false : applyPatch(presentText, reversePatch(patch));
        if (text !== false) {
          refuseSecret(`${changed}, line`, text);
          return { ...present, oid: await repository.store(new TextEncoder().encode(text)) };
        }
      }
    }
    throw new AppError("conflict", `Cannot undo it: ${changed} was changed since, in the same place. Edit it by hand`, {
      reason: "changed_since",
    });
  }

  const list: Workspace["list"] = async (view) => {
    const { files } = await folder.list(countBound);
    return files.filter((file) => isShown(file.path, view)).map(({ path: one, sizeBytes, modifiedMs }) => ({
      path: one,
      sizeBytes,
      modifiedAt: new Date(modifiedMs).toISOString(),
    }));
  };

  const read: Workspace["read"] = async (text, view) => {
    const one = toShownPath(text, view);
    const bytes = await folder.read(one, fileBound);
    if (bytes === undefined) throw new AppError("missing", `There is no file ${one}`, { reason: "unknown_file" });
    return toText(one, bytes);
  };

  const change: Workspace["change"] = async (wanted, reason, view) => {
    const edits = wanted.map((edit) => ({ ...edit, path: toShownPath(edit.path, view) }));
    refuseSecret("why, line", reason.why);
    const repository = await openHistory();
    const { head, tree } = await takeHandwork(repository);
    const done = reason.key === undefined ? undefined : await findDone(repository, head, reason.key);
    if (done !== undefined) return done;
    const after = new Map(tree);
    for (const edit of edits) {
      const trouble = troubles.find((one) => one.path === edit.path);
      if (trouble !== undefined) {
        throw new AppError("conflict", `Nothing was written: the history lacks what is there now. ${trouble.reason}`, {
          reason: "not_in_history",
        });
      }
      await folder.probe(edit.path);
      await requireBase(edit);
      const bytes = await toContent(edit);
      if (bytes === undefined) after.delete(edit.path);
      else after.set(edit.path, { ...after.get(edit.path) ?? toEntry(""), oid: await repository.store(bytes) });
    }
    if (isSame(after, tree)) return undefined;
    await requireRoom(after);
    return await carryOut(repository, head, after, reason);
  };

  const history: Workspace["history"] = async ({ limit, before, path: only }, view) => {
    const wanted = only === undefined ? undefined : toShownPath(only, view);
    const repository = await openHistory();
    const { head } = await takeHandwork(repository);
    const found: WorkspaceCommit[] = [];
    let next = before === undefined ? head : (await repository.commit(before)).parent;
    for (let looked = 0; next !== undefined && found.length < limit && looked < historyBound; looked++) {
      const commit: Commit = await repository.commit(next);
      const files = await repository.changes(commit.parent, commit.id);
      // A commit that touches what concerns a person may say so in its message.
      if (files.every((one) => isShown(one, view)) && (wanted === undefined || files.includes(wanted))) {
        found.push(toView(commit, files));
      }
      next = commit.parent;
    }
    return found;
  };

  const diff: Workspace["diff"] = async ({ from, to, path: only }, view) => {
    const wanted = only === undefined ? undefined : toShownPath(only, view);
    const repository = await openHistory();
    const { head } = await takeHandwork(repository);
    const last = to ?? head;
    if (last === undefined) return [];
    const end = await repository.commit(last);
    const start = from === undefined ? end.parent : (await repository.commit(from)).id;
    const [old, young] = await Promise.all([repository.tree(start), repository.tree(end.id)]);
    const paths = (await repository.changes(start, end.id))
      .filter((one) => isShown(one, view) && (wanted === undefined || one === wanted));
    const patches: WorkspacePatch[] = [];
    for (const changed of paths.slice(0, patchBound)) patches.push(await toPatch(repository, changed, old, young));
    return patches;
  };

  const show: Workspace["show"] = async (id) => {
    const repository = await openHistory();
    const { head } = await takeHandwork(repository);
    if (id === undefined && head === undefined) {
      throw new AppError("missing", "Nothing has been changed yet", { reason: "unknown_commit" });
    }
    const commit = await repository.commit(id ?? head ?? "");
    const files = await repository.changes(commit.parent, commit.id);
    return { commit: toView(commit, files), patches: await diff({ to: commit.id }, "operator") };
  };

  const revert: Workspace["revert"] = async (id, author) => {
    const repository = await openHistory();
    const { head, tree } = await takeHandwork(repository);
    const commit = await repository.commit(id);
    const [before, made] = await Promise.all([repository.tree(commit.parent), repository.tree(commit.id)]);
    const after = new Map(tree);
    for (const changed of await repository.changes(commit.parent, commit.id)) {
      const entry = await undo(repository, changed, { before, after: made, current: tree });
      if (entry === undefined) after.delete(changed);
      else after.set(changed, entry);
    }
    if (isSame(after, tree)) {
      throw new AppError("conflict", `Nothing is left to undo of ${commit.id.slice(0, 10)}`, {
        reason: "already_undone",
      });
    }
    const why = `Undo ${commit.id.slice(0, 8)}: ${toView(commit, []).why}`;
    return await carryOut(repository, head, after, { author, why });
  };

  const forget: Workspace["forget"] = async ({ sessions, texts }) => {
    // An agent that never wrote anything has no history that would have to begin anew.
    if (!await isThere(`${path}/.git`) && (await folder.list(1)).files.length === 0) return [];
    const repository = await openHistory();
    const { head, tree } = await takeHandwork(repository);
    const written = await findWritten(repository, head, sessions);
    const changed: string[] = [];
    for (const [one, entry] of tree) {
      const text = await readText(repository, entry);
      const kept = text === undefined ? undefined : withoutTraces(text, written.get(one) ?? new Set(), texts);
      if (kept === undefined || kept === text || !isInnerPath(one)) continue;
      if (kept.trim() === "") await folder.remove(one);
      else await folder.write(one, new TextEncoder().encode(kept));
      changed.push(one);
    }
    // What was written and taken out again by somebody stands in the history alone.
    if (changed.length === 0 && written.size === 0) return [];
    // A process that dies from here on leaves files without a history, and the next look at them begins one.
    opened = undefined;
    seen.clear();
    await Deno.remove(`${path}/.git`, { recursive: true });
    await takeHandwork(await openHistory());
    return changed;
  };

  /** Lines that were added on behalf of sessions, by path. */
  async function findWritten(
    repository: Repository,
    head: string | undefined,
    sessions: readonly string[],
  ): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    const found = new Map<string, Set<string>>();
    for (let next = head; next !== undefined;) {
      const commit = await repository.commit(next);
      next = commit.parent;
      const { sessionId } = toView(commit, []);
      if (sessionId === undefined || !sessions.includes(sessionId)) continue;
      const [before, after] = await Promise.all([repository.tree(commit.parent), repository.tree(commit.id)]);
      for (const changed of await repository.changes(commit.parent, commit.id)) {
        const old = new Set((await readText(repository, before.get(changed)) ?? "").split("\n"));
        const lines = (await readText(repository, after.get(changed)) ?? "").split("\n");
        const own = found.get(changed) ?? new Set();
        for (const line of lines) if (!old.has(line) && hasWords(line)) own.add(line);
        found.set(changed, own);
      }
    }
    return found;
  }

  return {
    list,
    forget: (...args) => enqueue(() => forget(...args)),
    read: (...args) => enqueue(() => read(...args)),
    change: (...args) => enqueue(() => change(...args)),
    history: (...args) => enqueue(() => history(...args)),
    diff: (...args) => enqueue(() => diff(...args)),
    show: (...args) => enqueue(() => show(...args)),
    revert: (...args) => enqueue(() => revert(...args)),
    troubles: () => enqueue(async () => (await takeHandwork(await openHistory()), troubles)),
  };
}

/** @throws {AppError} `denied` for a path that leads elsewhere, or that a group must not see. */
function toShownPath(text: string, view: WorkspaceView): string {
  const path = toInnerPath(text);
  if (isShown(path, view)) return path;
  const where = view === "group" ? "for groups. Ask in a private conversation" : "for conversations";
  throw new AppError("denied", `${path} is about people, and is not ${where}`, { reason: "personal" });
}

function isSame(one: Tree, other: Tree): boolean {
  return one.size === other.size && [...one].every(([path, { oid }]) => other.get(path)?.oid === oid);
}

/** Whether a line says something: headings and empty ones are everybody's. */
function hasWords(line: string): boolean {
  return /[\p{L}\p{N}]/u.test(line) && !line.startsWith("#");
}

/** A text without the lines that somebody wrote, and without those that hold one of `texts`. */
function withoutTraces(text: string, written: ReadonlySet<string>, texts: readonly string[]): string {
  const sought = texts.map((one) => one.trim()).filter((one) => one !== "");
  const lines = text.split("\n");
  const kept = lines.filter((line) => !written.has(line) && !sought.some((one) => line.includes(one)));
  return kept.length === lines.length ? text : kept.join("\n");
}

function joinLines(text: string, more: string): string {
  return text === "" || text.endsWith("\n") ? `${text}${more}` : `${text}\n${more}`;
}

function toText(path: string, bytes: Uint8Array): string {
  const text = decode(bytes);
  if (text === undefined) throw new AppError("invalid", `${path} is no text`, { reason: "no_text" });
  return text;
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined; // the decoder knows only one reason to throw
  }
}

/** Runs works one after the other. */
function newQueue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work, work);
    last = mine;
    return mine;
  };
}
