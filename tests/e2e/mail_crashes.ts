import assert from "node:assert/strict";
import type { CrashPlan } from "../fixtures/crash_ledger.ts";
import { newMail } from "../email/mail_room.ts";
import { checkLedger } from "./chats.ts";
import { openMailWorld } from "./mail_world.ts";

/** Tests that four mails in two threads are answered once each, the process being killed by `plan` meanwhile. */
export function testMailCrash(plan: CrashPlan): void {
  Deno.test(`a crash ${plan.when} ${plan.point} number ${plan.nth} loses and doubles no mail`, async () => {
    await using world = await openMailWorld();
    for (let round = 0; round < 2; round++) {
      for (const thread of [1, 2]) world.mails.write(thread, "tool:probe_idempotent {}");
    }
    {
      await using doomed = await world.start({ plan });
      const timer = setTimeout(() => doomed.kill("SIGTERM"), 20_000);
      const { signal } = await doomed.stopped;
      clearTimeout(timer);
      assert.equal(signal, "SIGKILL", `the planned crash did not come:\n${doomed.stderr().slice(-20).join("\n")}`);
    }
    {
      await using nexo = await world.start();
      await world.mails.answered(AbortSignal.timeout(30_000));
      await nexo.idle();
    }
    world.mails.check(world.dataDir);
  });
}

/**
 * Tests that a mail which a tool sends goes out once, the process being killed by `plan` meanwhile. T4 and T5 come twice
 * for each mail: for what the tool sends, and for the answer.
 */
export function testMailToolCrash(plan: CrashPlan): void {
  Deno.test(`a mail that a tool sends goes out once, also with a crash ${plan.when} ${plan.point}`, async () => {
    await using world = await openMailWorld();
    const { imap, smtp } = world.servers;
    const boss = "boss@people.test";
    const options = {
      // Vouched for: text of strangers would shut the tool.
      email: { authserv_id: "mx.agents.test" },
      agent: {
        allowed_tools: ["email_*"],
        inbound_bindings: [{ plugin: "email", instance: "main", open: true, recipients: [boss] }],
      },
    };
    imap.deliver(newMail({
      id: "1@people.test",
      headers: ["Authentication-Results: mx.agents.test; dmarc=pass"],
      text: `please\ntool:email_send ${JSON.stringify({ to: boss, subject: "May", text: "the report" })}`,
    }));
    {
      await using doomed = await world.start({ plan, ...options });
      const timer = setTimeout(() => doomed.kill("SIGTERM"), 20_000);
      const { signal } = await doomed.stopped;
      clearTimeout(timer);
      assert.equal(signal, "SIGKILL", `the planned crash did not come:\n${doomed.stderr().slice(-20).join("\n")}`);
    }
    {
      await using nexo = await world.start(options);
      const answered = smtp.nextSent(({ mail }) => mail.inReplyTo === "<1@people.test>", AbortSignal.timeout(30_000));
      // Its worker may still be on its way when the turn goes on.
      assert.match((await answered).mail.text ?? "", /"state":"(?:sent|queued)"/);
      await nexo.idle();
    }
    const unknown = checkLedger(world.dataDir);
    const [mails, answers] = [boss, "bob@people.test"].map((to) => smtp.sent.filter((mail) => mail.to === to));
    // Killed between the server's word and ours: sent again under the same id, where the Sent folder cannot tell.
    assert.equal(new Set(mails?.map(({ mail }) => mail.messageId)).size, 1);
    assert.ok(unknown.size > 0 || mails?.length === 1, "sent twice");
    assert.equal(answers?.length, 1);
  });
}
