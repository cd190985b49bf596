import { openMailWorld } from "./mail_world.ts";

/** How hard the mail server's life is. */
export interface MailStorm {
  readonly restarts: number;
  /** In all. */
  readonly mails: number;
  readonly threads: number;
}

/** Kills and starts the IMAP server while mails arrive, before, during and after; checks that each is answered once. */
export async function runMailStorm({ restarts, mails: count, threads }: MailStorm): Promise<void> {
  await using world = await openMailWorld();
  const { servers, mails, dataDir } = world;
  {
    await using _nexo = await world.start();
    let written = 0;
    const write = (upTo: number) => {
      for (; written < upTo; written++) mails.write(1 + written % threads);
    };
    for (let restart = 1; restart <= restarts; restart++) {
      const answered = servers.smtp.sent.length;
      const upTo = Math.floor(count * restart / (restarts + 1));
      write(Math.floor((written + upTo) / 2));
      // In the middle of what it is reading: one of these mails is answered already.
      await servers.smtp.nextSent(() => servers.smtp.sent.length > answered, AbortSignal.timeout(20_000));
      await servers.imap.kill();
      write(upTo);
      await servers.imap.start();
    }
    write(count);
    await mails.answered(AbortSignal.timeout(60_000));
  }
  mails.check(dataDir);
}
