import { type CrashPlan, formatCrashPlan } from "../fixtures/crash_ledger.ts";
import { type FakeModel, openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { type NexoProcess, openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { openProbe, type Probe } from "../fixtures/probe_tools.ts";
import { type MailServers, openMailServers } from "../email/mail_room.ts";
import { type Mails, newMails } from "./mails.ts";

/** Everything outside of a process that answers mail, and the data folder that outlives it. */
export interface MailWorld extends AsyncDisposable {
  readonly model: FakeModel;
  readonly servers: MailServers;
  readonly probe: Probe;
  readonly mails: Mails;
  readonly dataDir: string;
  /** Starts the process with `email` laid over the account's settings, and `agent` over the agent's. */
  start(
    options?: {
      readonly plan?: CrashPlan;
      readonly email?: Readonly<Record<string, unknown>>;
      readonly agent?: Readonly<Record<string, unknown>>;
    },
  ): Promise<NexoProcess>;
}

/** Opens a {@linkcode MailWorld}. The account answers what lies there at its first start, and any number of mails. */
export async function openMailWorld(): Promise<MailWorld> {
  await using stack = new AsyncDisposableStack();
  const model = stack.use(openFakeModel());
  const servers = stack.use(await openMailServers());
  const probe = stack.use(openProbe());
  const dataDir = stack.use(await openTempDir()).path;
  const owned = stack.move();
  return {
    model,
    servers,
    probe,
    dataDir,
    mails: newMails(servers),
    start: ({ plan, email = {}, agent = {} } = {}) =>
      startNexo({
        config: newTestConfig({
          modelUrl: model.baseUrl,
          email: servers.config({ backfill: 1_000, replies_per_hour: 100, retry_seconds: 1, ...email }),
          agent: { allowed_tools: ["probe_*"], ...agent },
        }),
        dataDir,
        entry: new URL("../fixtures/crash_main.ts", import.meta.url),
        env: { PROBE_URL: probe.url, ...(plan ? { CRASH_PLAN: formatCrashPlan(plan) } : {}) },
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
