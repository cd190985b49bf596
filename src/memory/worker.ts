/// <reference lib="deno.worker" />
// The files of all agents' memories, in the one worker that may load a native library.
import { DatabaseSync } from "node:sqlite";
import { toErrorRecord } from "../core/error.ts";
import { type FactFile, openFactFile } from "./fact_file.ts";
import { damaged, toFileError } from "./file_error.ts";
import type { FileCall, MemoryReply, MemoryRequest, MemoryStart } from "./protocol.ts";

/** Files open at once; the one that waited longest for a question is closed for another. */
const maxOpen = 32;

interface OpenFile {
  readonly file: FactFile;
  usedMs: number;
}

self.onmessage = (first: MessageEvent<MemoryRequest>) => {
  if (first.data.type !== "start") return;
  const { start } = first.data;
  const [vectorLibrary, vectorFault] = tryLibrary(start.vectorLibrary);
  const files = new Map<string, OpenFile>();
  /** Agents whose file was found whole since the worker began. */
  const checked = new Set<string>();

  self.onmessage = ({ data: request }: MessageEvent<MemoryRequest>) => {
    switch (request.type) {
      case "start":
        return;
      case "ping":
        tidy();
        return post({ type: "pong", open: files.size });
      case "close":
        for (const agent of [...files.keys()]) tryOf(agent, () => close(agent));
        post({ type: "closed" });
        return self.close();
      case "agents":
        return reply(request.id, () => listAgents(start.folder));
      case "call":
        return reply(request.id, () => ask(request.agent, request.call));
    }
  };
  post({ type: "ready", vectorFault });

  function reply(id: number, work: () => unknown): void {
    try {
      post({ type: "answer", id, value: work() });
    } catch (thrown) {
      post({ type: "refused", id, error: toErrorRecord(thrown) });
    }
  }

  function ask(agent: string, call: FileCall): unknown {
    const path = toPath(agent);
    try {
      return answer(open(agent, path), call);
    } catch (thrown) {
      const error = toFileError(thrown, path);
      if (error.reason !== damaged) throw error;
      setAside(agent, path, error.message);
      try {
        return answer(open(agent, path), call);
      } catch (again) {
        throw toFileError(again, path);
      }
    }
  }

  function open(agent: string, path: string): FactFile {
    const known = files.get(agent);
    if (known !== undefined) {
      known.usedMs = performance.now();
      return known.file;
    }
    if (files.size >= maxOpen) closeOldest();
    Deno.mkdirSync(`${start.folder}/${agent}`, { recursive: true, mode: 0o700 });
    // SQLite gives its log beside the file the same rights as the file has.
    Deno.openSync(path, { create: true, write: true, mode: 0o600 }).close();
    const { maxFacts, maxBytes } = start;
    const file = openFactFile({ path, vectorLibrary, maxFacts, maxBytes, check: !checked.has(agent) });
    checked.add(agent);
    files.set(agent, { file, usedMs: performance.now() });
    return file;
  }

  function close(agent: string): void {
    try {
      files.get(agent)?.file[Symbol.dispose]();
    } finally {
      files.delete(agent);
    }
  }

  /** Closes what nobody asks for, and writes what recalls of the others have counted. */
  function tidy(): void {
    const before = performance.now() - start.idleMs;
    for (const [agent, { file, usedMs }] of files) tryOf(agent, () => usedMs < before ? close(agent) : file.flush());
  }

  function tryOf(agent: string, work: () => void): void {
    try {
      work();
    } catch (thrown) {
      post({ type: "trouble", agent, error: toErrorRecord(toFileError(thrown, toPath(agent))) });
    }
  }

  function toPath(agent: string): string {
    return `${start.folder}/${agent}/memory.db`;
  }

  function closeOldest(): void {
    const [oldest] = [...files].sort(([, one], [, other]) => one.usedMs - other.usedMs);
    if (oldest !== undefined) tryOf(oldest[0], () => close(oldest[0]));
  }

  /** Renames a damaged file with its log, so that nothing is written over. */
  function setAside(agent: string, path: string, reason: string): void {
    tryOf(agent, () => close(agent));
    checked.delete(agent);
    const movedTo = `${path}.damaged-${new Date().toISOString().replaceAll(":", "-")}`;
    for (const suffix of ["", "-wal", "-shm"]) {
      try {
        Deno.renameSync(path + suffix, movedTo + suffix);
      } catch (thrown) {
        if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
      }
    }
    post({ type: "damaged", agent, movedTo, reason });
  }
};

function answer(file: FactFile, call: FileCall): unknown {
  switch (call.method) {
    case "remember":
      return file.remember(call.fact, call.viewer, call.id, call.nowMs);
    case "recall":
      return file.recall(call.query, call.viewer, call.nowMs);
    case "list":
      return file.list(call.query, call.viewer);
    case "find":
      return file.find(call.id, call.viewer);
    case "forget":
      return file.forget(call.ids, call.viewer);
    case "forgetPerson":
      return file.forgetPerson(call.person);
    case "duplicates":
      return file.duplicates(call.limit);
    case "restore":
      return file.restore(call.id);
    case "weigh":
      return file.weigh(call.weights);
    case "pending":
      return file.pending(call.model, call.limit);
    case "putVectors":
      return file.putVectors(call.model, call.vectors);
  }
}

/** The library, where it can be loaded, else why not. */
function tryLibrary(path: MemoryStart["vectorLibrary"]): [path: string | undefined, fault: string | undefined] {
  if (path === undefined) return [undefined, "sqlite-vec is not there for this machine"];
  try {
    using database = new DatabaseSync(":memory:", { allowExtension: true });
    database.loadExtension(path);
    return [path, undefined];
  } catch (thrown) {
    return [undefined, thrown instanceof Error ? thrown.message : String(thrown)];
  }
}

function listAgents(folder: string): string[] {
  const agents: string[] = [];
  for (const agent of readFolder(folder)) {
    try {
      Deno.statSync(`${folder}/${agent}/memory.db`);
      agents.push(agent);
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    }
  }
  return agents.sort();
}

function readFolder(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return [];
    throw thrown;
  }
}

function post(message: MemoryReply): void {
  self.postMessage(message);
}
