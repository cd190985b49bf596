import { openMailWorld } from "./mail_world.ts";

/** Longer than the longest wait between two tries of a mailbox, which killed servers bring about. */
const soon = () => AbortSignal.timeout(90_000);

Deno.test("a hundred mails are answered once and in order while their server is killed ten times", async () => {
  await using world = await openMailWorld();
  const { servers, mails, dataDir } = world;
  let written = 0;
  const writeUpTo = (count: number) => {
    for (; written < count; written++) mails.write(1 + written % 20);
  };
  {
    await using _nexo = await world.start();
    for (let kills = 0; kills < 10; kills++) {
      const answered = servers.smtp.sent.length;
      writeUpTo(9 * kills + 5);
      // In the middle of what it is reading: one of these mails is answered already.
      await servers.smtp.nextSent(() => servers.smtp.sent.length > answered, soon());
      await servers.imap.kill();
      writeUpTo(9 * kills + 9);
      await servers.imap.start();
    }
    writeUpTo(100);
    await mails.answered(soon());
  }
  mails.check(dataDir);
});
