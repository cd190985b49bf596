import { newGivenByEnvError, writeRootToken } from "../app/token.ts";
import { listTokenViews, newTokens } from "../app/tokens.ts";
import { type Role, rootName } from "../core/access.ts";
import { parseRequest } from "../http/body.ts";
import {
  rootRotatedSchema,
  type TokenCreated,
  tokenCreatedSchema,
  tokenRequestSchema,
  tokensAnswerSchema,
  type TokenView,
  tokenViewSchema,
} from "../http/tokens_api.ts";
import { writeAudit } from "../ledger/audit.ts";
import { findRunning } from "./admin_client.ts";
import { newInk } from "./ink.ts";
import { changeLedger, requireLedgerFile } from "./ledger_file.ts";
import { type DataDirFlag, toDataDir } from "./place.ts";
import { sayTime, toJsonText } from "./say.ts";
import type { Terminal } from "./terminal.ts";
import { formatTokens, sayToken } from "./token_page.ts";

/** Flags of every `agent token` command. */
export interface TokenFlags extends DataDirFlag {
  readonly json: boolean;
}

/** Flags of `agent token create`. */
export interface TokenCreateFlags extends TokenFlags {
  readonly role: Role;
  /** Milliseconds. */
  readonly expires: number;
}

/** Longest look into the ledger. */
const queryMs = 15_000;

/** `agent token list`: whose tokens there are. */
export async function listTokens(terminal: Terminal, flags: TokenFlags): Promise<number> {
  const items = await readTokens(terminal, flags);
  terminal.print(flags.json ? toJsonText({ items }) : formatTokens(items, Date.now(), newInk(terminal.color)));
  return 0;
}

/** `agent token create NAME`: the token goes to standard output, what to know about it to standard error. */
export async function createToken(terminal: Terminal, flags: TokenCreateFlags, name: string): Promise<number> {
  const made = await makeToken(terminal, flags, name);
  terminal.print(flags.json ? toJsonText(made) : `${made.text}\n`);
  if (!flags.json) {
    terminal.complain(
      `Token ${sayToken(made)}, until ${sayTime(made.expiresAt)}. ` +
        `It is shown this once. To end it: agent token revoke ${made.id}\n`,
    );
  }
  return 0;
}

/** `agent token revoke ID`: it is not taken any more. */
export async function revokeToken(terminal: Terminal, flags: TokenFlags, id: number): Promise<number> {
  const dataDir = toDataDir(flags, terminal.env);
  const running = await findRunning(dataDir, terminal.env);
  const revoked = running === undefined
    ? await changeLedger(dataDir, (parts) => newTokens(parts).revoke(id, "cli"))
    : await running.admin.post(`/api/tokens/${id}/revoke`, {}, tokenViewSchema);
  terminal.print(flags.json ? toJsonText(revoked) : `Token ${sayToken(revoked)}, is revoked.\n`);
  return 0;
}

/** `agent token rotate`: a new root token, which is in the data folder and not on the terminal. */
export async function rotateRootToken(terminal: Terminal, flags: TokenFlags): Promise<number> {
  const dataDir = toDataDir(flags, terminal.env);
  const running = await findRunning(dataDir, terminal.env);
  if (running === undefined) {
    if (terminal.env["AGENT_ADMIN_TOKEN"]) throw newGivenByEnvError();
    await changeLedger(dataDir, async ({ ledger, clock }) => {
      await writeRootToken(dataDir);
      await ledger.commit([writeAudit({ actor: "cli", action: "token.rotated", target: rootName }, clock.now())]);
    });
  } else await running.admin.post("/api/tokens/root/rotate", { token: running.token }, rootRotatedSchema);
  const path = `${dataDir}/admin.token`;
  terminal.print(
    flags.json
      ? toJsonText({ path })
      : `There is a new root token in ${path}. What the old one had opened has ended.\n`,
  );
  return 0;
}

async function readTokens(terminal: Terminal, flags: DataDirFlag): Promise<readonly TokenView[]> {
  const dataDir = toDataDir(flags, terminal.env);
  const running = await findRunning(dataDir, terminal.env);
  if (running !== undefined) return (await running.admin.get("/api/tokens", {}, tokensAnswerSchema)).items;
  using ledger = await requireLedgerFile(dataDir);
  return await listTokenViews(ledger, Date.now(), AbortSignal.timeout(queryMs));
}

async function makeToken(terminal: Terminal, flags: TokenCreateFlags, name: string): Promise<TokenCreated> {
  const request = parseRequest(tokenRequestSchema, { name, role: flags.role, expiresInMs: flags.expires });
  const dataDir = toDataDir(flags, terminal.env);
  const running = await findRunning(dataDir, terminal.env);
  return running === undefined
    ? await changeLedger(dataDir, (parts) => newTokens(parts).create(request, "cli"))
    : await running.admin.post("/api/tokens", { ...request, token: running.token }, tokenCreatedSchema);
}
