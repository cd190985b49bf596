import assert from "node:assert/strict";
import { newMail, openMailServers } from "../email/mail_room.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { type BlackBox, newBlackBox } from "./black_box.ts";

const boss = "boss@people.test";

/** A process whose agent `ana` has a mail account and its tools, and `eve` the permission to use them but no account. */
async function openToolWorld(binding: Readonly<Record<string, unknown>> = {}) {
  await using stack = new AsyncDisposableStack();
  const model = stack.use(openFakeModel());
  const servers = stack.use(await openMailServers());
  const dataDir = stack.use(await openTempDir()).path;
  const config = newTestConfig({ modelUrl: model.baseUrl, email: servers.config({ replies_per_hour: 100 }) });
  const common = {
    model: { provider: "fake", model: "fake-1" },
    allowed_tools: ["email_*"],
    config: { debounce_ms: 0 },
  };
  const inbound_bindings = [{ plugin: "email", instance: "main", open: true, recipients: [boss], ...binding }];
  const nexo = stack.use(
    await startNexo({
      config: {
        ...config,
        "agents.yaml": { agents: [{ id: "ana", ...common, inbound_bindings }, { id: "eve", ...common }] },
      },
      dataDir,
    }),
  );
  await nexo.nextLog("plugin.ready");
  const owned = stack.move();
  return { servers, model, nexo, dataDir, box: newBlackBox(nexo), [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

let calls = 0;

/** What the agent is told by a call of `tool`. */
async function callTool(box: BlackBox, tool: string, input: unknown, agent = "ana"): Promise<string> {
  const { text, status } = await box.chat({
    agent,
    user: `u${++calls}`,
    text: `tool:${tool} ${JSON.stringify(input)}`,
  });
  assert.equal(status, 200, text);
  return text;
}

const idIn = (text: string) => /"id":"([^"]+)"/.exec(text)?.[1] ?? assert.fail(`no id in: ${text}`);

Deno.test("an agent searches, reads, answers, flags and moves mails of its account", async () => {
  await using world = await openToolWorld();
  const { servers: { imap, smtp }, box } = world;
  imap.store(
    "Sent",
    newMail({ from: "carl@people.test", id: "c1@people.test", subject: "The invoice", text: "pay 42" }),
  );
  const found = await callTool(box, "email_search", { folder: "Sent", from: "carl" });
  assert.match(found, /<untrusted source="tool:email_search">/);
  assert.match(found, /The invoice/);
  const id = idIn(found);
  assert.match(await callTool(box, "email_read", { id }), /pay 42/);
  assert.match(await callTool(box, "email_reply", { id, text: "it is paid" }), /"state":"sent"/);
  const [answer] = smtp.sent;
  assert.equal(answer?.to, "carl@people.test");
  assert.equal(answer?.mail.inReplyTo, "<c1@people.test>");
  assert.equal(answer?.mail.subject, "Re: The invoice");
  assert.match(answer?.mail.text ?? "", /it is paid/);
  assert.match(await callTool(box, "email_flag", { id, flag: "flagged" }), /Marked as flagged/);
  assert.match(
    await callTool(box, "email_search", { folder: "Sent", unread: true, subject: "invoice" }),
    /"flagged":true/,
  );
  assert.match(await callTool(box, "email_move", { id, folder: "INBOX" }), /Moved to INBOX/);
  assert.match(await callTool(box, "email_move", { id, folder: "INBOX" }), /not there any more/);
  assert.match(await callTool(box, "email_move", { id, folder: "No such" }), /There is no folder/);
  assert.match(await callTool(box, "email_read", { id: "nonsense" }), /no id of a mail/);
});

Deno.test("a mail in the account is answered only where its author may talk to the agent", async () => {
  await using world = await openToolWorld({ open: false, allow_from: ["carl@people.test"], pairing: false });
  const { servers: { imap, smtp }, box } = world;
  for (const from of ["stranger@elsewhere.test", "carl@people.test"]) {
    imap.store("Sent", newMail({ from, id: `1.${from}`, subject: `From ${from}`, text: "please answer" }));
  }
  const idOf = async (from: string) => idIn(await callTool(box, "email_search", { folder: "Sent", from }));
  const asked = { id: await idOf("stranger"), text: "the secret is plum" };
  assert.match(await callTool(box, "email_reply", asked), /may not write to stranger@elsewhere\.test/);
  assert.equal(smtp.sent.length, 0);
  assert.match(await callTool(box, "email_reply", { ...asked, id: await idOf("carl") }), /"state":"sent"/);
});

Deno.test("a new mail goes only to the recipients of the binding, with files of the agent's folder", async () => {
  await using world = await openToolWorld();
  const { servers: { smtp }, box, dataDir } = world;
  const folder = `${dataDir}/agents/ana`;
  await Deno.mkdir(`${folder}/reports`, { recursive: true });
  const bytes = new Uint8Array(1_200_000).map((_, index) => index % 251);
  await Deno.writeFile(`${folder}/reports/may.pdf`, bytes);
  const mail = { to: "Boss@people.test", subject: "May", text: "See the report." };
  assert.match(await callTool(box, "email_send", { ...mail, attachments: ["reports/may.pdf"] }), /"state":"sent"/);
  const [sent] = smtp.sent;
  assert.equal(sent?.to, boss);
  assert.equal(sent?.mail.subject, "May");
  assert.equal(sent?.header("auto-submitted"), "auto-generated");
  const [file] = sent?.mail.attachments ?? [];
  assert.equal(file?.filename, "may.pdf");
  assert.deepEqual(new Uint8Array(file?.content instanceof ArrayBuffer ? file.content : []), bytes);

  assert.match(
    await callTool(box, "email_send", { ...mail, to: "eve@elsewhere.test" }),
    /may not write to eve@elsewhere/,
  );
  assert.match(
    await callTool(box, "email_send", { ...mail, to: `${boss}, eve@elsewhere.test` }),
    /not one mail address/,
  );
  assert.match(await callTool(box, "email_send", { ...mail, subject: "x\r\nBcc: eve@elsewhere.test" }), /does not fit/);
  assert.match(
    await callTool(box, "email_send", { ...mail, to: `${boss}\r\nBcc: eve@elsewhere.test` }),
    /does not fit/,
  );
  assert.equal(await box.metric("nexo_refusals_total", "plugin_tool", "recipient_not_allowed"), 1);

  await Deno.writeTextFile(`${dataDir}/secret.txt`, "secret");
  await Deno.symlink(`${dataDir}/secret.txt`, `${folder}/link.txt`);
  await Deno.symlink(dataDir, `${folder}/up`);
  for (const path of ["../../secret.txt", `${dataDir}/secret.txt`, "link.txt", "up/secret.txt", "reports/../../../x"]) {
    assert.match(await callTool(box, "email_send", { ...mail, attachments: [path] }), /not in your own folder/, path);
  }
  assert.match(await callTool(box, "email_send", { ...mail, attachments: ["none.txt"] }), /There is no file/);
  await Deno.writeTextFile(`${folder}/memory.db`, "memories");
  assert.match(await callTool(box, "email_send", { ...mail, attachments: ["memory.db"] }), /store of the runtime/);
  assert.equal(smtp.sent.length, 1);
});

Deno.test("an agent without an account of a plugin has none of its tools", async () => {
  await using world = await openToolWorld();
  assert.match(await callTool(world.box, "email_search", {}, "eve"), /There is no tool email_search/);
  assert.match(
    await callTool(world.box, "email_search", { account: "other" }),
    /no account "other" of email\. Yours: main/,
  );
});

Deno.test("a mail that a tool sends and the server refuses for good is told to the model and kept as a dead letter", async () => {
  await using world = await openToolWorld();
  const { servers: { smtp }, box, nexo } = world;
  smtp.refuse({ at: "recipient", code: 550, words: "5.1.1 no such boss" });
  const said = await callTool(box, "email_send", { to: boss, subject: "May", text: "hello" });
  assert.match(said, /It was not sent: .*5\.1\.1 no such boss/);
  await nexo.nextLog("outbox.dead");
});
