import git from "isomorphic-git";
import { AppError } from "../core/error.ts";
import { isThere } from "../folder/files.ts";
import { type GitFiles, openGitFiles } from "./git_files.ts";
import { pendingName } from "./protocol.ts";

/** A file of a commit: the id of its content, and how git keeps it. */
export interface TreeEntry {
  readonly oid: string;
  /** As git writes it: `100644` for an ordinary file. */
  readonly mode: string;
  readonly type: "blob" | "commit";
}

/** Files of a commit by path. */
export type Tree = ReadonlyMap<string, TreeEntry>;

/** What a commit says. */
export interface CommitNote {
  readonly author: string;
  readonly email: string;
  readonly message: string;
  readonly atMs: number;
}

/** A commit with what it says. */
export interface Commit extends CommitNote {
  readonly id: string;
  readonly parent: string | undefined;
}

/** The history of a folder: a git repository that any git program reads. */
export interface Repository {
  /** The newest commit; `undefined` where there is none yet. */
  head(): Promise<string | undefined>;
  /** @throws {AppError} `missing` where `id` is no commit. Beginnings of at least four digits are ids too. */
  commit(id: string): Promise<Commit>;
  tree(commit: string | undefined): Promise<Tree>;
  /** Paths of what differs between two commits, in order; `undefined` stands for a commit without files. */
  changes(from: string | undefined, to: string): Promise<readonly string[]>;
  content(id: string): Promise<Uint8Array>;
  /** The id that a content has, or would have. */
  idOf(content: Uint8Array): Promise<string>;
  /** Stores a content, and gives its id. */
  store(content: Uint8Array): Promise<string>;
  /** Writes a commit on top of `parent` without making it the newest. */
  prepare(tree: Tree, parent: string | undefined, note: CommitNote): Promise<string>;
  /** Makes a prepared commit the newest: the moment from which on it has happened. */
  publish(commit: string): Promise<void>;
  /** Keeps a commit in mind, or nothing, across the death of the process. */
  remember(commit: string | undefined): Promise<void>;
  /** What was kept in mind last. */
  remembered(): Promise<string | undefined>;
  /** Tells programs like `git status` that these paths are as the newest commit has them. */
  stage(paths: readonly string[], tree: Tree): Promise<void>;
}

const folderMode = "040000";

/** An ordinary file with a content. */
export function toEntry(oid: string): TreeEntry {
  return { oid, mode: "100644", type: "blob" };
}

/**
 * Opens the repository of a folder; makes it where there is none.
 *
 * @throws {AppError} `denied` where `.git` is a link: it could be the history of somebody else.
 */
export async function openRepository(dir: string): Promise<Repository> {
  const folder = `${dir}/.git`;
  if (await isThere(folder) && !(await Deno.lstat(folder)).isDirectory) {
    throw new AppError("denied", `Cannot use ${folder} as history: it is a link. Remove it`, { reason: "link" });
  }
  const fs = await openGitFiles(folder);
  // The library keeps what it read of packs and of the index here.
  const base = { fs, dir, cache: {} };
  await makeRepository(base);

  const pending = `${folder}/${pendingName}`;

  const flatten = async (oid: string, prefix: string, into: Map<string, TreeEntry>): Promise<void> => {
    for (const { path, oid: inner, type, mode } of (await git.readTree({ ...base, oid })).tree) {
      if (type === "tree") await flatten(inner, `${prefix}${path}/`, into);
      else into.set(`${prefix}${path}`, { oid: inner, mode, type });
    }
  };

  /** Compares folder by folder: what is equal is not looked into. */
  const compare = async (from: string | undefined, to: string | undefined, prefix: string): Promise<string[]> => {
    const [old, young] = await Promise.all(
      [from, to].map(async (oid) =>
        new Map(oid === undefined ? [] : (await git.readTree({ ...base, oid })).tree.map((one) => [one.path, one]))
      ),
    );
    const names = [...new Set([...old?.keys() ?? [], ...young?.keys() ?? []])].toSorted();
    const found = await Promise.all(names.map(async (name) => {
      const [before, after] = [old?.get(name), young?.get(name)];
      if (before?.oid === after?.oid && before?.mode === after?.mode) return [];
      const folders = [before, after].map((one) => one?.type === "tree" ? one.oid : undefined);
      const isFile = [before, after].some((one) => one !== undefined && one.type !== "tree");
      const inside = folders.some((one) => one !== undefined)
        ? await compare(folders[0], folders[1], `${prefix}${name}/`)
        : [];
      return isFile ? [`${prefix}${name}`, ...inside] : inside;
    }));
    return found.flat();
  };

  const writeTree = async (tree: Tree, prefix: string): Promise<string> => {
    const entries = new Map<string, { mode: string; path: string; oid: string; type: "blob" | "tree" | "commit" }>();
    for (const [path, entry] of tree) {
      if (!path.startsWith(prefix)) continue;
      const [name = "", ...rest] = path.slice(prefix.length).split("/");
      if (rest.length === 0) entries.set(name, { ...entry, path: name });
      else if (!entries.has(name)) {
        const inner = await writeTree(tree, `${prefix}${name}/`);
        entries.set(name, { mode: folderMode, path: name, oid: inner, type: "tree" });
      }
    }
    return await git.writeTree({ ...base, tree: [...entries.values()] });
  };

  const branch = async () => {
    const name = await git.currentBranch({ ...base, fullname: true });
    if (typeof name === "string") return name;
    throw new AppError(
      "conflict",
      `Cannot write the history of ${dir}: no branch is checked out. Run: git switch main`,
      {
        reason: "no_branch",
      },
    );
  };

  const head = async (): Promise<string | undefined> => {
    try {
      return await git.resolveRef({ ...base, ref: "HEAD" });
    } catch (thrown) {
      if (isNotFound(thrown)) return undefined;
      throw thrown;
    }
  };

  return {
    head,
    async commit(id) {
      const unknown = new AppError("missing", `There is no commit ${id.slice(0, 40)}`, { reason: "unknown_commit" });
      // The library looks for objects under names made of the id.
      if (!/^[0-9a-f]{4,40}$/.test(id)) throw unknown;
      try {
        const oid = id.length === 40 ? id : await git.expandOid({ ...base, oid: id });
        const { commit } = await git.readCommit({ ...base, oid });
        const { author, message, parent } = commit;
        return {
          id: oid,
          parent: parent[0],
          author: author.name,
          email: author.email,
          message: message.trimEnd(),
          atMs: author.timestamp * 1_000,
        };
      } catch (thrown) {
        throw isNotFound(thrown) ? unknown : thrown;
      }
    },
    async tree(commit) {
      const files = new Map<string, TreeEntry>();
      if (commit !== undefined) await flatten(commit, "", files);
      return files;
    },
    changes: (from, to) => compare(from, to, ""),
    content: async (id) => (await git.readBlob({ ...base, oid: id })).blob,
    idOf: async (content) => (await git.hashBlob({ object: content })).oid,
    store: (content) => git.writeBlob({ ...base, blob: content }),
    async prepare(tree, parent, { author, email, message, atMs }) {
      const who = { name: author, email, timestamp: Math.floor(atMs / 1_000), timezoneOffset: 0 };
      return await git.writeCommit({
        ...base,
        commit: {
          tree: await writeTree(tree, ""),
          parent: parent === undefined ? [] : [parent],
          author: who,
          committer: who,
          message: `${message}\n`,
        },
      });
    },
    async publish(commit) {
      await git.writeRef({ ...base, ref: await branch(), value: commit, force: true });
    },
    async remember(commit) {
      if (commit === undefined) await Deno.remove(pending);
      else await fs.promises.writeFile(pending, commit);
    },
    remembered: async () => await isThere(pending) ? await Deno.readTextFile(pending) : undefined,
    async stage(paths, tree) {
      for (const filepath of paths) {
        const entry = tree.get(filepath);
        if (entry === undefined) await git.updateIndex({ ...base, filepath, remove: true, force: true });
        else await git.updateIndex({ ...base, filepath, oid: entry.oid, add: true });
      }
    },
  };
}

async function makeRepository(base: { readonly fs: GitFiles; readonly dir: string }): Promise<void> {
  const head = `${base.dir}/.git/HEAD`;
  // Written last: a process that was killed before has made no repository, and this one goes on where it stopped.
  if (await isThere(head)) return;
  await git.init({ ...base, defaultBranch: "main" });
  // The library's guesses about the file system are wrong here, and git programs go by them.
  for (const [name, value] of [["ignorecase", false], ["filemode", true], ["symlinks", true]] as const) {
    await git.setConfig({ ...base, path: `core.${name}`, value });
  }
  await base.fs.promises.writeFile(head, "ref: refs/heads/main\n");
}

function isNotFound(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown &&
    (thrown.code === "NotFoundError" || thrown.code === "ObjectTypeError" || thrown.code === "AmbiguousError");
}
