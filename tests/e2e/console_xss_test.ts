import assert from "node:assert/strict";
import { z } from "zod";
import { newMail, openMailServers } from "../email/mail_room.ts";
import { openBrowser } from "../fixtures/browser.ts";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { startNexo } from "../fixtures/nexo_process.ts";
import { newServerTool, openMcpServer } from "../mcp/mcp_server.ts";
import { eventually, newBlackBox } from "./black_box.ts";

const soon = () => AbortSignal.timeout(60_000);
const itemsSchema = z.object({ items: z.array(z.looseObject({ id: z.union([z.string(), z.number()]) })) });
const messagesSchema = z.object({ items: z.array(z.looseObject({ turnId: z.string().nullable() })) });

/** Markup that would act, marked by where it comes from. */
function evil(where: string): string {
  return `${where}<img src=x onerror="window.hurt='${where}'"><script>window.hurt='${where}'</script>`;
}

const evilMarkdown = `${evil("markdown")} [click](javascript:window.hurt='link') ` +
  `[data](data:text/html,<script>window.hurt='data'</script>) ![image](x" onerror="window.hurt='image') ` +
  `![beacon](http://127.0.0.1:9/beacon.png) <img src="http://127.0.0.1:9/tag.png"> ` +
  `[quote](https://example.com/"onmouseover="window.hurt='quote') [tab](java\tscript:window.hurt='tab')`;
const evilFile = `notes/workspace file<img src=x onerror="window.hurt='workspace file'">.md`;

Deno.test("whatever strangers, tools, mails and models write is text in the console", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using mail = await openMailServers();
  await using server = openMcpServer([
    newServerTool("look", () => ({ content: [{ type: "text", text: evil("tool output") }] }), {
      description: evil("tool description"),
    }),
  ]);
  await model.setRules([
    { when: "look", afterTool: false, act: "call", tool: "mcp_evil_look", toolArguments: "{}" },
    { when: "fail", act: "status", status: 400 },
    {
      when: "keep this",
      afterTool: false,
      act: "call",
      tool: "remember",
      toolArguments: JSON.stringify({ text: evil("memory fact"), tags: [evil("tag").slice(0, 40)] }),
    },
    {
      when: "write this",
      afterTool: false,
      act: "call",
      tool: "workspace_write",
      toolArguments: JSON.stringify({ path: evilFile, content: evil("workspace text"), why: evil("reason") }),
    },
    { text: evilMarkdown },
  ]);
  const config = newTestConfig({
    modelUrl: model.baseUrl,
    telegram,
    email: mail.config({ backfill: 1_000 }),
    agent: {
      allowed_tools: ["mcp_evil_*", "workspace_*", "remember"],
      description: evil("description"),
      inbound_bindings: [
        { plugin: "telegram", instance: "main", allow_from: ["7", "8", "9", "11", "12"] },
        { plugin: "email", instance: "main", open: true },
      ],
    },
  });
  await using nexo = await startNexo({ config: { ...config, "mcp.yaml": { servers: { evil: { url: server.url } } } } });
  const box = newBlackBox(nexo);
  await eventually(
    async () => JSON.stringify(await box.get("/api/mcp/servers")).includes('"up"'),
    "the server",
    30_000,
  );

  const from = { id: 7, is_bot: false, first_name: evil("sender name"), username: "somebody" };
  const document = {
    file_id: telegram.addFile(new TextEncoder().encode("x"), "files/1.txt"),
    file_name: `${evil("file name")}.txt`,
    mime_type: "text/plain",
    file_size: 1,
  };
  telegram.inject({ chat: 7, text: `look ${evil("message")}`, extra: { from } });
  await telegram.nextSent(({ chatId }) => chatId === 7, soon());
  telegram.inject({ chat: 8, extra: { from: { ...from, id: 8 }, caption: evil("caption"), document } });
  telegram.inject({ chat: 9, text: `fail ${evil("dead letter")}`, extra: { from: { ...from, id: 9 } } });
  await telegram.nextSent(({ chatId }) => chatId === 8, soon());
  await telegram.nextSent(({ chatId }) => chatId === 9, soon());
  const stranger = { ...from, id: 10, first_name: evil("pairing name") };
  telegram.inject({ chat: 10, text: "hello", extra: { from: stranger } });
  await telegram.nextSent(({ chatId }) => chatId === 10, soon());
  for (const [chat, text] of [[11, "keep this"], [12, "write this"]] as const) {
    telegram.inject({ chat, text, extra: { from: { ...from, id: chat } } });
    await telegram.nextSent(({ chatId }) => chatId === chat, soon());
  }
  await askAs(nexo.admin, evil("host"));
  mail.imap.deliver(newMail({ id: "1@people.test", subject: evil("subject"), text: evil("mail") }));
  await eventually(() => Promise.resolve(mail.smtp.sent.length > 0), "an answer by mail", 60_000);
  await nexo.idle();

  await using browser = await openBrowser();
  const { page, faults } = await browser.newPage();
  const asked = new Set<string>();
  page.on("request", (request) => {
    if (!request.url().startsWith("data:")) asked.add(new URL(request.url()).origin);
  });
  await page.goto(nexo.admin);
  await page.locator("input[type=password]").fill(nexo.token);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".figures");

  const sessions = itemsSchema.parse(await box.get("/api/sessions")).items.map(({ id }) => encodeURIComponent(id));
  const letters = itemsSchema.parse(await box.get("/api/dead-letters")).items.map(({ id }) => id);
  const turns = new Set<string>();
  for (const session of sessions) {
    const { items } = messagesSchema.parse(await box.get(`/api/sessions/${session}/messages`));
    for (const { turnId } of items) if (turnId !== null) turns.add(turnId);
  }
  assert.ok(sessions.length >= 4 && letters.length >= 1 && turns.size >= 4, "everything came in");
  const addresses = [
    ..."overview sessions agents agents/ana agents/ana/tools agents/ana/files agents/ana/memory".split(" "),
    ..."channels bus dead-letters tools tools/mcp_evil_look models access audit logs".split(" "),
    ...sessions.map((id) => `sessions/${id}`),
    ...letters.map((id) => `dead-letters/${id}`),
    ...[...turns].map((id) => `turns/${id}`),
  ];
  let seen = "";
  for (const address of addresses) {
    await page.goto(`${nexo.admin}/#/${address}`);
    await page.reload();
    await page.waitForSelector("main h1");
    await page.waitForSelector("main .list, main .card, main .transcript, main .bubble");
    await page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)");
    seen += await page.evaluate("document.body.textContent");
    assert.equal(await page.evaluate("window.hurt"), undefined, address);
    const acting = await page.$$eval(
      "main script, main img[src='x'], main [onerror], main a[href^='javascript'], main a[href^='data']",
      (found) => found.map((one) => one.outerHTML),
    );
    assert.deepEqual(acting, [], address);
  }
  for (
    const where of [
      ..."message,tool output,tool description,file name,subject,markdown,description".split(","),
      ..."pairing name,memory fact,workspace file,host,dead letter,mail,caption".split(","),
    ]
  ) {
    assert.ok(seen.includes(`${where}<img src=x onerror=`), `${where} was shown as text`);
  }
  assert.ok(seen.includes("sender name<img"), "sender name was shown as text");
  assert.deepEqual([...asked], [nexo.admin], "nothing is fetched from elsewhere");
  assert.deepEqual(faults, []);
});

/** Asks under a host name, which fetch() does not let its caller choose: it comes into the log. */
async function askAs(admin: string, host: string): Promise<void> {
  const { hostname, port } = new URL(admin);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`));
  await new Response(connection.readable).text();
}
