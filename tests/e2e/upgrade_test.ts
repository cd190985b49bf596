import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { migrate } from "../../src/ledger/migrate.ts";
import { migrations } from "../../src/ledger/schema.ts";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";

/** Every kind of change that a migration may make, to tables that each message goes through. */
const next = `
  ALTER TABLE inbox ADD COLUMN colour TEXT;
  ALTER TABLE turns ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';
  ALTER TABLE outbox ADD COLUMN colour INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE messages ADD COLUMN colour TEXT;
  CREATE TABLE colours (id INTEGER PRIMARY KEY, message INTEGER NOT NULL) STRICT;
  CREATE INDEX messages_colour ON messages (colour) WHERE colour IS NOT NULL;
  CREATE TRIGGER messages_coloured AFTER INSERT ON messages BEGIN INSERT INTO colours (message) VALUES (new.id); END;
`;

/** The process on a ledger, with its model and its chats. */
async function openWorld() {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await openTempDir());
  const model = stack.use(openFakeModel());
  const telegram = stack.use(await openFakeBotApi());
  const dataDir = `${folder.path}/data`;
  await Deno.mkdir(dataDir);
  const owned = stack.move();
  return {
    telegram,
    ledger: `${dataDir}/ledger.db`,
    /** Changes the stopped process's ledger. */
    change(how: (database: DatabaseSync) => void) {
      using database = new DatabaseSync(`${dataDir}/ledger.db`);
      how(database);
    },
    start: () => startNexo({ config: newTestConfig({ modelUrl: model.baseUrl, telegram }), dataDir }),
    async isAnswered(text: string) {
      await telegram.nextSent((sent) => sent.text.includes(text), AbortSignal.timeout(30_000));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** An accepted message as the first release wrote it. */
function insertMessage(database: DatabaseSync, text: string): void {
  const [id, at] = [crypto.randomUUID(), Date.now()];
  const message = {
    conversation: "7",
    providerMessageId: "11",
    sender: { id: "7" },
    text,
    attachments: [],
    isGroup: false,
    mentionsMe: false,
  };
  const payload = { plugin: "telegram", instance: "main", message };
  const subject = "plugin.inbound.telegram.main";
  const event = { id, subject, source: "telegram.main", at: new Date(at).toISOString(), payload };
  database.prepare(
    `INSERT INTO inbox (consumer, event_id, subject, plugin, instance, conversation, provider_id, event, received_at)
     VALUES ('agents.inbound', ?, ?, 'telegram', 'main', '7', '11', ?, ?)`,
  ).run(id, subject, JSON.stringify(event), at);
}

function versionOf(path: string): unknown {
  using database = new DatabaseSync(path, { readOnly: true });
  return database.prepare("PRAGMA user_version").get()?.["user_version"];
}

for (const version of [1, migrations.length - 1]) {
  Deno.test(`a ledger of schema ${version} is copied, migrated, and what waits in it is answered`, async () => {
    await using world = await openWorld();
    world.change((database) => {
      migrate(database, world.ledger, migrations.slice(0, version));
      insertMessage(database, "from before");
    });
    await using nexo = await world.start();
    await world.isAnswered("from before");
    await nexo.idle();
    assert.equal(versionOf(world.ledger), migrations.length);
    assert.equal(versionOf(`${world.ledger}.before-v${migrations.length}`), version);
  });
}

Deno.test("this release starts on the ledger of the next one: to go back needs no restore", async () => {
  await using world = await openWorld();
  {
    await using nexo = await world.start();
    world.telegram.inject({ chat: 7, text: "first" });
    await world.isAnswered("first");
    await nexo.idle();
  }
  world.change((database) => migrate(database, world.ledger, [...migrations, next]));
  for (const text of ["second", "third"]) {
    await using nexo = await world.start();
    world.telegram.inject({ chat: 7, text });
    await world.isAnswered(text);
    await nexo.idle();
    nexo.kill("SIGKILL");
    await nexo.stopped;
  }
  assert.equal(versionOf(world.ledger), migrations.length + 1);
  world.change((database) => {
    const dead = database.prepare("SELECT count(*) AS count FROM dead").get();
    assert.deepEqual({ ...dead }, { count: 0 });
  });
});
