import { z } from "zod";

const commitId = z.string().min(4).max(40);

/** A file of a workspace. */
export const workspaceFileSchema = z.object({
  path: z.string(),
  sizeBytes: z.number().int(),
  /** ISO 8601 UTC. */
  modifiedAt: z.string(),
});
/** A file of a workspace. */
export type WorkspaceFileView = z.output<typeof workspaceFileSchema>;
/** Answer of `GET /api/agents/:agent/workspace/files`. */
export const workspaceFilesSchema = z.object({ files: z.array(workspaceFileSchema) });
/** Query of `GET /api/agents/:agent/workspace/file`. */
export const workspaceFileRequestSchema = z.object({ path: z.string().min(1).max(400) });
/** Answer of `GET /api/agents/:agent/workspace/file`. */
export const workspaceTextSchema = z.object({
  path: z.string(),
  text: z.string(),
  /** Names this text: a change says which one it was made from. */
  version: z.string(),
});
/** Answer of `GET /api/agents/:agent/workspace/file`. */
export type WorkspaceText = z.output<typeof workspaceTextSchema>;

/** One change of a workspace. */
export const workspaceCommitSchema = z.object({
  id: z.string(),
  /** ISO 8601 UTC. */
  at: z.string(),
  /** The agent, or `operator`. */
  author: z.string(),
  why: z.string(),
  sessionId: z.string().optional(),
  turnId: z.string().optional(),
  files: z.array(z.string()),
});
/** One change of a workspace. */
export type WorkspaceCommitView = z.output<typeof workspaceCommitSchema>;

/** What happened to one file. */
export const workspacePatchSchema = z.object({
  path: z.string(),
  /** A unified diff; empty where the file is no text. */
  patch: z.string(),
});
/** What happened to one file. */
export type WorkspacePatchView = z.output<typeof workspacePatchSchema>;

/** Query of `GET /api/agents/:agent/workspace/history`. */
export const workspaceHistoryRequestSchema = z.object({
  path: z.string().max(400).optional(),
  /** Id of the last commit of the page before. */
  before: commitId.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
/** Query of `GET /api/agents/:agent/workspace/history`. */
export type WorkspaceHistoryRequest = z.output<typeof workspaceHistoryRequestSchema>;
/** Answer of `GET /api/agents/:agent/workspace/history`, newest first. */
export const workspaceHistorySchema = z.object({
  commits: z.array(workspaceCommitSchema),
  /** Files that the history does not take, and why. */
  troubles: z.array(z.object({ path: z.string(), reason: z.string() })),
});
/** Answer of `GET /api/agents/:agent/workspace/history`. */
export type WorkspaceHistoryView = z.output<typeof workspaceHistorySchema>;

/** Query of `GET /api/agents/:agent/workspace/diff`. */
export const workspaceDiffRequestSchema = z.object({
  from: commitId.optional(),
  to: commitId.optional(),
  path: z.string().max(400).optional(),
});
/** Query of `GET /api/agents/:agent/workspace/diff`. */
export type WorkspaceDiffRequest = z.output<typeof workspaceDiffRequestSchema>;
/** Answer of `GET /api/agents/:agent/workspace/diff`. */
export const workspaceDiffSchema = z.object({ patches: z.array(workspacePatchSchema) });

/** Answer of `GET /api/agents/:agent/workspace/commits/:commit`; `newest` is a commit too. */
export const workspaceShownSchema = z.object({
  commit: workspaceCommitSchema,
  patches: z.array(workspacePatchSchema),
});
/** Answer of `GET /api/agents/:agent/workspace/commits/:commit`. */
export type WorkspaceShown = z.output<typeof workspaceShownSchema>;

/** Body of `POST /api/agents/:agent/workspace/change`. */
export const workspaceChangeSchema = z.strictObject({
  path: z.string().min(1).max(400),
  /** `version` of the text that the change was made from; empty for a file that is not there yet. */
  base: z.string().max(100),
  /** `null`: the file goes. */
  text: z.string().max(1_000_000).nullable(),
  /** One sentence for the history. */
  why: z.string().trim().max(500).default(""),
});
/** Answer of `POST /api/agents/:agent/workspace/change`; no commit where nothing changed. */
export const workspaceChangedSchema = z.object({ commit: workspaceCommitSchema.optional() });
/** Answer of `POST /api/agents/:agent/workspace/change`. */
export type WorkspaceChanged = z.output<typeof workspaceChangedSchema>;

/** Body of `POST /api/agents/:agent/workspace/revert`. */
export const workspaceRevertRequestSchema = z.strictObject({ commit: commitId });
/** Answer of `POST /api/agents/:agent/workspace/revert`: the commit that undoes it. */
export const workspaceRevertedSchema = z.object({ commit: workspaceCommitSchema });
