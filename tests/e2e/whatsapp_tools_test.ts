import assert from "node:assert/strict";
import { runAgent } from "../fixtures/agent_command.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { groupMember, openFakeWhatsApp } from "../fixtures/fake_whatsapp.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { alice, linkFolder, toConfig } from "../whatsapp/room.ts";
import { newBlackBox } from "./black_box.ts";

const bob = "4915100000002";
const group = "120363000000000001";
const soon = () => AbortSignal.timeout(30_000);

/** A process whose agent may use the tools of its WhatsApp account; alice may talk to it, and one group. */
async function openToolWorld(binding: Readonly<Record<string, unknown>> = {}) {
  await using stack = new AsyncDisposableStack();
  const model = stack.use(openFakeModel());
  const fake = stack.use(openFakeWhatsApp());
  const dataDir = stack.use(await openTempDir()).path;
  await linkFolder(fake, `${dataDir}/plugins/whatsapp/main`);
  const inbound_bindings = [{
    plugin: "whatsapp",
    instance: "main",
    allow_from: [`@${alice}`],
    allow_groups: [`${group}@g.us`],
    groups: "all",
    ...binding,
  }];
  const config = {
    ...newTestConfig({ modelUrl: model.baseUrl, agent: { inbound_bindings, allowed_tools: ["whatsapp_*"] } }),
    "plugins/whatsapp.yaml": { whatsapp: [{ instance: "main", ...toConfig(fake) }] },
  };
  const nexo = stack.use(await startNexo({ config, dataDir }));
  await nexo.nextLog("plugin.ready");
  const owned = stack.move();
  let sent = 0;
  return {
    fake,
    nexo,
    dataDir,
    /** What an agent in the console is told by a call. */
    async call(tool: string, input: unknown): Promise<string> {
      const { text } = await newBlackBox(nexo).chat({
        user: `u${++sent}`,
        text: `tool:${tool} ${JSON.stringify(input)}`,
      });
      return text;
    },
    /** What people see after `from` has asked for a call, the answer last. */
    async ask(tool: string, input: unknown, messages: number, where: Readonly<Record<string, string>> = {}) {
      const before = fake.seen.length;
      const id = fake.inject({
        from: alice,
        text: `please\ntool:${tool} ${JSON.stringify(input)}`,
        encrypted: true,
        ...where,
      });
      return { id, seen: (await fake.untilSeen(before + messages, soon())).slice(before) };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

Deno.test("an agent reacts to, quotes and edits messages of the chat that it is in", async () => {
  await using world = await openToolWorld();
  const reacted = await world.ask("whatsapp_react", { emoji: "👍" }, 2);
  assert.equal(reacted.seen[0]?.reactsTo, reacted.id);
  assert.equal(reacted.seen[0]?.text, "👍");
  const quoted = await world.ask("whatsapp_reply", { text: "**this** one" }, 2);
  assert.equal(quoted.seen[0]?.quotes, quoted.id);
  assert.match(quoted.seen[0]?.quotedText ?? "", /tool:whatsapp_reply/);
  assert.equal(quoted.seen[0]?.text, "*this* one");
  const message = quoted.seen[0]?.id ?? "";
  const edited = await world.ask("whatsapp_edit", { message, text: "that one" }, 2);
  assert.equal(edited.seen[0]?.edits, message);
  assert.equal(edited.seen[0]?.text, "that one");
  const foreign = await world.ask("whatsapp_edit", { message: quoted.id, text: "not mine" }, 1);
  assert.match(foreign.seen[0]?.text ?? "", /no message that this account has sent lately/);
});

Deno.test("an agent in a group quotes and reacts to its members", async () => {
  await using world = await openToolWorld();
  const { id, seen } = await world.ask("whatsapp_react", { emoji: "❤️" }, 2, { group, from: groupMember });
  assert.deepEqual([seen[0]?.to, seen[0]?.reactsTo], [group, id]);
});

Deno.test("an agent sends pictures, documents and voice messages of its own folder", async () => {
  await using world = await openToolWorld();
  const folder = `${world.dataDir}/agents/ana`;
  await Deno.mkdir(folder, { recursive: true });
  const bytes = new Uint8Array(700_000).map((_, index) => index % 253);
  for (const name of ["cat.png", "list.pdf", "hello.ogg", "film.mp4"]) await Deno.writeFile(`${folder}/${name}`, bytes);
  const picture = await world.ask("whatsapp_send_media", { file: "cat.png", caption: "a *cat*" }, 2);
  assert.equal(picture.seen[0]?.file?.kind, "Image");
  assert.deepEqual(picture.seen[0]?.file?.bytes, bytes);
  assert.equal(picture.seen[0]?.text, "a _cat_");
  const document = await world.ask("whatsapp_send_media", { file: "list.pdf" }, 2);
  assert.deepEqual([document.seen[0]?.file?.kind, document.seen[0]?.file?.name], ["Document", "list.pdf"]);
  const voice = await world.ask("whatsapp_send_media", { file: "hello.ogg", kind: "voice" }, 2);
  assert.deepEqual([voice.seen[0]?.file?.kind, voice.seen[0]?.file?.isVoice], ["Audio", true]);
  const film = await world.ask("whatsapp_send_media", { file: "film.mp4", kind: "document" }, 2);
  assert.deepEqual([film.seen[0]?.file?.kind, film.seen[0]?.file?.mimetype], ["Document", "video/mp4"]);
  await Deno.symlink("/etc/hostname", `${folder}/host.txt`);
  for (const file of ["../../run.json", "host.txt", "/etc/hostname"]) {
    const { seen } = await world.ask("whatsapp_send_media", { file }, 1);
    assert.match(seen[0]?.text ?? "", /not in your own folder/, file);
  }
});

Deno.test("a file that WhatsApp does not take now is sent once, when it does", async () => {
  await using world = await openToolWorld();
  const folder = `${world.dataDir}/agents/ana`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/notes.txt`, "notes");
  world.fake.refuseUpload(503);
  assert.match(await world.call("whatsapp_send_media", { to: alice, file: "notes.txt" }), /"state":"queued"/);
  const [seen] = await world.fake.untilSeen(1, soon());
  assert.equal(new TextDecoder().decode(seen?.file?.bytes), "notes");
  await world.nexo.idle();
  assert.deepEqual([world.fake.seen.length, world.fake.copies], [1, 0]);
});

Deno.test("an agent writes only where its binding lets people talk to it", async () => {
  await using world = await openToolWorld();
  assert.match(await world.call("whatsapp_send", { to: `+${alice}`, text: "good morning" }), /"state":"sent"/);
  assert.match(await world.call("whatsapp_send", { to: `${group}@g.us`, text: "good morning all" }), /"state":"sent"/);
  assert.match(await world.call("whatsapp_send", { to: bob, text: "spam" }), /may not write to .*sender unknown/);
  assert.match(await world.call("whatsapp_send", { to: "999@g.us", text: "spam" }), /group not allowed/);
  assert.match(await world.call("whatsapp_send", { to: "nobody", text: "spam" }), /is no number/);
  assert.match(await world.call("whatsapp_send", { text: "to whom?" }), /in no chat of this account/);
  assert.deepEqual(world.fake.seen.map(({ to }) => to), [alice, group]);
});

Deno.test("where everybody may talk, an agent writes only to who has, and to whom the binding names", async () => {
  await using world = await openToolWorld({ open: true, allow_from: [], recipients: [`@${bob}`] });
  assert.match(await world.call("whatsapp_send", { to: alice, text: "spam" }), /nobody wrote there/);
  await world.ask("no_tool", {}, 1);
  assert.match(await world.call("whatsapp_send", { to: alice, text: "again" }), /"state":"sent"/);
  assert.match(await world.call("whatsapp_send", { to: bob, text: "hello" }), /"state":"sent"/);
});

Deno.test("an agent writes to somebody as long as the operator lets them in", async () => {
  await using world = await openToolWorld();
  const pair = (...words: readonly string[]) => runAgent(["pair", ...words, "--data", world.dataDir]);
  world.fake.inject({ from: bob, text: "hello?", encrypted: true });
  const [offer] = await world.fake.untilSeen(1, soon());
  const [code = ""] = /\b[A-Z2-9]{8}\b/.exec(offer?.text ?? "") ?? [];
  assert.match(await world.call("whatsapp_send", { to: bob, text: "hi" }), /pairing pending/);
  assert.equal((await pair("approve", code)).code, 0);
  assert.match(await world.call("whatsapp_send", { to: bob, text: "hi" }), /"state":"sent"/);
  assert.equal((await pair("revoke", "1")).code, 0);
  assert.match(await world.call("whatsapp_send", { to: bob, text: "hi" }), /may not write to .*sender revoked/);
});
