import type { Clock } from "../core/clock.ts";
import { AppError, fromErrorRecord, toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Workspace, Workspaces } from "../core/workspace.ts";
import { isThere } from "../folder/files.ts";
import { type Method, pendingName, type WorkspaceReply, type WorkspaceRequest } from "./protocol.ts";

/** What {@linkcode openWorkspaces} needs. */
export interface WorkspacesDeps {
  /** Folder of each agent's workspace, absolute, as configured now. */
  folders(): ReadonlyMap<string, string>;
  /** Values that must not come into a history, as configured now. */
  secrets(): readonly string[];
  /** Folders that no workspace may hold: who writes there is the operator. */
  readonly apart?: readonly string[];
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** A worker that nobody asks is ended after this, milliseconds: it holds some 40 MB. */
const idleMs = 60_000;
/** A question that takes longer has met a folder that hangs, milliseconds. */
const answerMs = 60_000;

/** Opens the workspaces. Their worker starts with the first question, and may touch their folders alone. */
export function openWorkspaces(deps: WorkspacesDeps): Workspaces & AsyncDisposable {
  let worker: StoreWorker | undefined;
  let closed = false;

  const workerFor = async (folder: string): Promise<StoreWorker> => {
    if (worker?.serves(folder) === true) return worker;
    const folders = new Set(await Promise.all([...deps.folders().values()].map(toReal)));
    if (worker?.serves(folder) === true) return worker; // another question was faster
    worker?.retire();
    const started: StoreWorker = startWorker([...folders], deps, () => {
      if (worker === started) worker = undefined;
    });
    return worker = started;
  };

  const newWorkspace = (agent: string): Workspace => {
    const call = async <M extends Method>(
      method: M,
      ...args: Parameters<Workspace[M]>
    ): Promise<Awaited<ReturnType<Workspace[M]>>> => {
      if (closed) throw new AppError("cancelled", "The workspaces are closed");
      const configured = deps.folders().get(agent);
      if (configured === undefined) throw newUnknownAgentError(agent);
      try {
        await Deno.mkdir(configured, { recursive: true, mode: 0o700 });
        // The worker's permissions are for real paths: the data folder may lie behind a link.
        const folder = await Deno.realPath(configured);
        const apart = await Promise.all((deps.apart ?? []).map(toReal));
        if (apart.some((one) => `${one}/`.startsWith(folder === "/" ? folder : `${folder}/`))) {
          throw newTooWideError(agent, configured);
        }
        const value = await (await workerFor(folder)).ask({ folder, secrets: deps.secrets(), method, args });
        return value as Awaited<ReturnType<Workspace[M]>>; // what the method of that name gave
      } catch (thrown) {
        if (thrown instanceof AppError && thrown.kind === "denied") {
          deps.metrics.count("nexo_refusals_total", { part: "workspace", reason: thrown.reason ?? "denied" });
          deps.log.warn("workspace.refused", { agent, reason: thrown.reason ?? "denied" });
        }
        throw thrown;
      }
    };
    return {
      list: (...args) => call("list", ...args),
      read: (...args) => call("read", ...args),
      change: (...args) => call("change", ...args),
      history: (...args) => call("history", ...args),
      diff: (...args) => call("diff", ...args),
      show: (...args) => call("show", ...args),
      revert: (...args) => call("revert", ...args),
      forget: (...args) => call("forget", ...args),
      troubles: (...args) => call("troubles", ...args),
    };
  };

  /** A commit that a killed process left half carried out is ended before anybody reads the files. */
  const recover = async () => {
    for (const [agent, folder] of deps.folders()) {
      if (!await isThere(`${folder}/.git/${pendingName}`)) continue;
      await newWorkspace(agent).troubles();
      deps.log.info("workspace.recovered", { agent });
    }
  };
  const recovering = recover().catch((thrown) => {
    deps.log.error("workspace.not_recovered", { error: toAppError(thrown).message });
  });

  return {
    of(agent) {
      if (!deps.folders().has(agent)) throw newUnknownAgentError(agent);
      return newWorkspace(agent);
    },
    async [Symbol.asyncDispose]() {
      await recovering;
      closed = true;
      await worker?.finish();
    },
  };
}

interface StoreWorker {
  /** Whether it may touch a folder, and still takes questions. */
  serves(folder: string): boolean;
  ask(question: Omit<WorkspaceRequest, "id">): Promise<unknown>;
  /** It takes no more questions, and ends when it has answered those that it has. */
  retire(): void;
  /** Retires it, and resolves when it has ended. */
  finish(): Promise<void>;
}

function startWorker(
  folders: readonly string[],
  { log, clock }: Pick<WorkspacesDeps, "log" | "clock">,
  onEnd: () => void,
): StoreWorker {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  ready.promise.catch(() => {}); // each question says so itself
  let retired = false;
  let asked = 0;
  let rest: AbortController | undefined;
  const worker = new Worker(new URL("./worker.ts", import.meta.url), {
    type: "module",
    name: "workspaces",
    deno: {
      permissions: {
        read: [...folders],
        write: [...folders],
        net: false,
        // A variable that isomorphic-git looks at.
        env: ["IGNORE_TEST_WIN32"],
        run: false,
        ffi: false,
        sys: false,
        import: false,
      },
    },
  });

  const end = (error: AppError) => {
    retired = true;
    rest?.abort();
    worker.terminate();
    ready.reject(error);
    for (const [, one] of waiting) one.reject(error);
    waiting.clear();
    onEnd();
    ended.resolve();
  };
  const endWhenIdle = () => {
    if (waiting.size > 0) return;
    if (retired) return end(new AppError("cancelled", "The workspaces' worker has ended"));
    rest = new AbortController();
    clock.wait(idleMs, rest.signal).then(
      () => end(new AppError("cancelled", "Nobody asked for long")),
      () => {/* it was asked again */},
    );
  };

  worker.onerror = (event) => {
    event.preventDefault();
    log.error("workspace.worker_lost", { error: event.message });
    end(new AppError("unavailable", `The workspaces' worker stopped: ${event.message}. The next call starts it again`));
  };
  worker.onmessage = (event: MessageEvent<WorkspaceReply>) => {
    const reply = event.data;
    if (reply === "ready") return ready.resolve();
    const one = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ("error" in reply) one?.reject(fromErrorRecord(reply.error));
    else one?.resolve(reply.value);
    endWhenIdle();
  };

  const giveUpLate = async (id: number, folder: string, late: AbortSignal) => {
    await clock.wait(answerMs, late);
    if (!waiting.has(id)) return;
    end(new AppError("timeout", `The workspace ${folder} did not answer within ${answerMs} ms. Is its disk there?`));
  };

  return {
    serves: (folder) => !retired && folders.includes(folder),
    async ask(question) {
      const id = asked++;
      rest?.abort();
      const answer = Promise.withResolvers<unknown>();
      waiting.set(id, answer);
      answer.promise.catch(() => {}); // a worker that is lost while it starts has said so by then
      const late = new AbortController();
      giveUpLate(id, question.folder, late.signal).catch(() => {/* it was answered in time */});
      try {
        await ready.promise;
        const request: WorkspaceRequest = { ...question, id };
        worker.postMessage(request);
        return await answer.promise;
      } finally {
        late.abort();
      }
    },
    retire() {
      retired = true;
      rest?.abort();
      endWhenIdle();
    },
    finish() {
      this.retire();
      return ended.promise;
    },
  };
}

async function toReal(folder: string): Promise<string> {
  return await isThere(folder) ? await Deno.realPath(folder) : folder;
}

function newTooWideError(agent: string, folder: string): AppError {
  return new AppError(
    "denied",
    `The workspace of ${agent}, ${folder}, holds the config or the data folder: whoever writes there could become the ` +
      "operator. Give it a folder of its own: `workspace` in agents.yaml",
    { reason: "workspace_too_wide" },
  );
}

function newUnknownAgentError(agent: string): AppError {
  return new AppError("missing", `There is no agent ${agent}. See: agent status`, { reason: "unknown_agent" });
}
