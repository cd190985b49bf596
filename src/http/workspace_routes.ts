import { Hono } from "hono";
import type { Config } from "../config/config.ts";
import type { WorkspaceEdit, Workspaces } from "../core/workspace.ts";
import type { Live } from "../lib/live.ts";
import { toTextVersion } from "../lib/text_version.ts";
import { parseRequest, readJson } from "./body.ts";
import { toActor } from "./door.ts";
import type { Audit } from "./views.ts";
import {
  workspaceChangeSchema,
  workspaceDiffRequestSchema,
  workspaceFileRequestSchema,
  workspaceHistoryRequestSchema,
  workspaceRevertRequestSchema,
} from "./workspace_api.ts";

/** `/api/agents/:agent/workspace`: what an agent's files became, and undoing it. */
export function newWorkspaceRoutes(
  { workspaces, audit }: { readonly workspaces: Workspaces; readonly audit: Audit },
  config: Live<Config>,
): Hono {
  const app = new Hono();
  app.get("/:agent/workspace/files", async (context) => {
    return context.json({ files: await workspaces.of(context.req.param("agent")).list("operator") });
  });
  app.get("/:agent/workspace/file", async (context) => {
    const { path } = parseRequest(workspaceFileRequestSchema, context.req.query());
    const text = await workspaces.of(context.req.param("agent")).read(path, "operator");
    return context.json({ path, text, version: await toTextVersion(text) });
  });
  app.get("/:agent/workspace/history", async (context) => {
    const page = parseRequest(workspaceHistoryRequestSchema, context.req.query());
    const workspace = workspaces.of(context.req.param("agent"));
    return context.json({ commits: await workspace.history(page, "operator"), troubles: await workspace.troubles() });
  });
  app.get("/:agent/workspace/diff", async (context) => {
    const range = parseRequest(workspaceDiffRequestSchema, context.req.query());
    return context.json({ patches: await workspaces.of(context.req.param("agent")).diff(range, "operator") });
  });
  app.get("/:agent/workspace/commits/:commit", async (context) => {
    const { agent, commit } = context.req.param();
    return context.json(await workspaces.of(agent).show(commit === "newest" ? undefined : commit));
  });
  app.post("/:agent/workspace/change", async (context) => {
    const agent = context.req.param("agent");
    const maxBytes = config.current.runtime.http.max_body_bytes;
    const { path, base, text, why } = await readJson(context.req.raw, maxBytes, workspaceChangeSchema);
    const edit: WorkspaceEdit = text === null ? { path, base, kind: "delete" } : { path, base, kind: "replace", text };
    const said = why || `${text === null ? "Deleted" : "Edited"} by the operator: ${path}`;
    const commit = await workspaces.of(agent).change([edit], { author: "operator", why: said }, "operator");
    if (commit !== undefined) {
      await audit.note({ actor: toActor(context), action: "workspace.edited", target: `${agent} ${path}` });
    }
    return context.json({ commit });
  });
  app.post("/:agent/workspace/revert", async (context) => {
    const agent = context.req.param("agent");
    const maxBytes = config.current.runtime.http.max_body_bytes;
    const { commit } = await readJson(context.req.raw, maxBytes, workspaceRevertRequestSchema);
    const reverted = await workspaces.of(agent).revert(commit, "operator");
    await audit.note({ actor: toActor(context), action: "workspace.reverted", target: `${agent} ${commit}` });
    return context.json({ commit: reverted });
  });
  return app;
}
