import { runMailStorm } from "./mail_storm.ts";

Deno.test("a hundred mails are answered once and in order while the mail server restarts ten times", async () => {
  await runMailStorm({ restarts: 10, mails: 100, threads: 20 });
});
