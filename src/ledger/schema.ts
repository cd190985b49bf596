/**
 * Forward migrations of the ledger, oldest first. The database's `user_version` is how many have run.
 * A migration only adds (tables, columns with defaults, indexes), so that the previous release still reads the file.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE inbox (
    id           INTEGER PRIMARY KEY,
    consumer     TEXT NOT NULL,
    event_id     TEXT NOT NULL,
    subject      TEXT NOT NULL,
    plugin       TEXT,
    instance     TEXT,
    conversation TEXT,
    provider_id  TEXT,
    event        TEXT NOT NULL,
    state        TEXT NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'done', 'dead')),
    outcome      TEXT,
    turn_id      TEXT,
    attempts     INTEGER NOT NULL DEFAULT 0,
    received_at  INTEGER NOT NULL,
    finished_at  INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX inbox_event ON inbox (consumer, event_id);
  CREATE UNIQUE INDEX inbox_provider ON inbox (plugin, instance, conversation, provider_id, consumer)
    WHERE provider_id IS NOT NULL;
  CREATE INDEX inbox_ready ON inbox (consumer, id) WHERE state = 'ready';
  CREATE INDEX inbox_turn ON inbox (turn_id) WHERE turn_id IS NOT NULL;
  CREATE INDEX inbox_done ON inbox (finished_at) WHERE state = 'done';

  CREATE TABLE turns (
    id            TEXT PRIMARY KEY,
    agent         TEXT NOT NULL,
    session_id    TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('running', 'done')),
    boot_id       TEXT NOT NULL,
    input         TEXT NOT NULL,
    outcome       TEXT,
    error         TEXT,
    provider      TEXT,
    model         TEXT,
    input_tokens  INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    cost_usd      REAL,
    resumed       INTEGER NOT NULL DEFAULT 0,
    received_at   INTEGER NOT NULL,
    started_at    INTEGER NOT NULL,
    finished_at   INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX turns_session ON turns (session_id, started_at);
  CREATE INDEX turns_running ON turns (id) WHERE state = 'running';
  CREATE INDEX turns_done ON turns (finished_at) WHERE state = 'done';

  CREATE TABLE steps (
    turn_id       TEXT NOT NULL,
    seq           INTEGER NOT NULL,
    kind          TEXT NOT NULL CHECK (kind IN ('model', 'tool', 'inbound')),
    state         TEXT NOT NULL CHECK (state IN ('started', 'done')),
    name          TEXT NOT NULL,
    call_id       TEXT,
    effect        TEXT,
    input         TEXT,
    output        TEXT,
    input_tokens  INTEGER,
    output_tokens INTEGER,
    cost_usd      REAL,
    started_at    INTEGER NOT NULL,
    finished_at   INTEGER,
    PRIMARY KEY (turn_id, seq)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE sessions (
    id           TEXT PRIMARY KEY,
    agent        TEXT NOT NULL,
    plugin       TEXT NOT NULL,
    instance     TEXT NOT NULL,
    conversation TEXT NOT NULL,
    thread       TEXT,
    title        TEXT NOT NULL DEFAULT '',
    epoch        INTEGER NOT NULL DEFAULT 1,
    ended        INTEGER NOT NULL DEFAULT 0,
    created_at   INTEGER NOT NULL,
    last_at      INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sessions_last ON sessions (last_at);
  CREATE INDEX sessions_agent_last ON sessions (agent, last_at);
  CREATE INDEX sessions_open ON sessions (last_at) WHERE ended = 0;

  CREATE TABLE messages (
    id         INTEGER PRIMARY KEY,
    agent      TEXT NOT NULL,
    session_id TEXT NOT NULL,
    epoch      INTEGER NOT NULL,
    turn_id    TEXT,
    role       TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'tool', 'note')),
    body       TEXT NOT NULL,
    at         INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX messages_session ON messages (session_id, id);

  CREATE TABLE outbox (
    id           INTEGER PRIMARY KEY,
    key          TEXT NOT NULL UNIQUE,
    plugin       TEXT NOT NULL,
    instance     TEXT NOT NULL,
    conversation TEXT NOT NULL,
    session_id   TEXT NOT NULL,
    turn_id      TEXT NOT NULL,
    body         TEXT NOT NULL,
    state        TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sending', 'sent', 'dead')),
    unknown      INTEGER NOT NULL DEFAULT 0,
    attempts     INTEGER NOT NULL DEFAULT 0,
    receipt      TEXT,
    error        TEXT,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    finished_at  INTEGER
  ) STRICT;
  CREATE INDEX outbox_open ON outbox (id) WHERE state IN ('queued', 'sending');
  CREATE INDEX outbox_turn ON outbox (turn_id);
  CREATE INDEX outbox_sent ON outbox (finished_at) WHERE state = 'sent';

  CREATE TABLE dead (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    hop         TEXT NOT NULL,
    subject     TEXT NOT NULL,
    event_id    TEXT NOT NULL,
    agent       TEXT,
    session_id  TEXT,
    kind        TEXT NOT NULL,
    reason      TEXT,
    message     TEXT NOT NULL,
    attempts    INTEGER NOT NULL,
    body        TEXT NOT NULL,
    row_id      INTEGER,
    first_at    INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    replayed_at INTEGER
  ) STRICT;
  CREATE INDEX dead_open ON dead (id) WHERE replayed_at IS NULL;

  CREATE TABLE usage (
    agent              TEXT NOT NULL,
    day                TEXT NOT NULL,
    provider           TEXT NOT NULL,
    model              TEXT NOT NULL,
    calls              INTEGER NOT NULL,
    input_tokens       INTEGER NOT NULL,
    output_tokens      INTEGER NOT NULL,
    cache_read_tokens  INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    cost_usd           REAL NOT NULL,
    PRIMARY KEY (agent, day, provider, model)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE probe (id INTEGER PRIMARY KEY, filler TEXT NOT NULL) STRICT;
  `,
  `
  CREATE TABLE spill (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    subject    TEXT NOT NULL,
    event_id   TEXT NOT NULL,
    event      TEXT NOT NULL,
    copy       INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    error      TEXT,
    spilled_at INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX spill_event ON spill (subject, event_id);
  CREATE INDEX spill_subject ON spill (subject, id);
  `,
  // The index keeps no text: what it finds is read from the transcript, and what the transcript loses it loses too. It is
  // kept by triggers, so that the previous release keeps it as well. Rows that are no JSON are nothing to search.
  `
  ALTER TABLE messages ADD COLUMN through_id INTEGER;
  CREATE INDEX messages_summary ON messages (session_id, id) WHERE through_id IS NOT NULL;
  CREATE INDEX messages_agent_at ON messages (agent, at);
  CREATE INDEX messages_turn ON messages (turn_id) WHERE turn_id IS NOT NULL;
  CREATE INDEX turns_agent_done ON turns (agent, finished_at) WHERE state = 'done';

  CREATE TABLE session_people (
    session_id TEXT NOT NULL,
    person     TEXT NOT NULL,
    PRIMARY KEY (session_id, person)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX session_people_person ON session_people (person);
  INSERT OR IGNORE INTO session_people
    SELECT t.session_id, json_extract(i.event, '$.payload.plugin') || ':' ||
      json_extract(i.event, '$.payload.message.sender.id')
    FROM turns t JOIN inbox i ON i.turn_id = t.id
    WHERE json_extract(i.event, '$.payload.message.sender.id') IS NOT NULL;

  CREATE VIEW message_texts (id, text) AS SELECT id, CASE role
    WHEN 'tool' THEN (
      SELECT group_concat(
        substr(coalesce(json_extract(part.value, '$.text'), json_extract(part.value, '$.value')), 1, 20000), char(10)
      )
      FROM json_each(body, '$.results') AS result, json_each(result.value, '$.content') AS part
      WHERE json_extract(part.value, '$.type') <> 'image'
    )
    ELSE json_extract(body, '$.text') END
    FROM messages WHERE through_id IS NULL AND json_valid(body);
  CREATE VIRTUAL TABLE message_search USING fts5(
    text, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
  );
  INSERT INTO message_search (rowid, text) SELECT id, text FROM message_texts;
  CREATE TRIGGER messages_indexed AFTER INSERT ON messages BEGIN
    INSERT INTO message_search (rowid, text) SELECT id, text FROM message_texts WHERE id = new.id;
    INSERT OR IGNORE INTO session_people
      SELECT new.session_id, value FROM json_each(iif(json_valid(new.body), new.body, '{}'), '$.people');
  END;
  CREATE TRIGGER messages_unindexed AFTER DELETE ON messages BEGIN
    DELETE FROM message_search WHERE rowid = old.id;
  END;
  `,
  `
  ALTER TABLE turns ADD COLUMN resumed_at TEXT; -- JSON list of milliseconds since the epoch
  `,
  `
  CREATE TABLE pairing (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    agent      TEXT NOT NULL,
    plugin     TEXT NOT NULL,
    instance   TEXT NOT NULL,
    sender     TEXT NOT NULL,
    name       TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'revoked', 'expired')),
    code       TEXT,
    expires_at INTEGER NOT NULL,
    asked_at   INTEGER NOT NULL,
    decided_at INTEGER,
    decided_by TEXT
  ) STRICT;
  CREATE UNIQUE INDEX pairing_sender ON pairing (agent, plugin, instance, sender);
  CREATE UNIQUE INDEX pairing_code ON pairing (code) WHERE code IS NOT NULL;
  CREATE INDEX pairing_due ON pairing (state, expires_at);

  CREATE TABLE audit (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    actor  TEXT NOT NULL,
    action TEXT NOT NULL,
    agent  TEXT,
    target TEXT NOT NULL
  ) STRICT;
  CREATE INDEX audit_at ON audit (at);
  `,
  `
  CREATE TABLE dreams (
    id         TEXT PRIMARY KEY,
    agent      TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('planned', 'done', 'reverting', 'reverted')),
    started_at INTEGER NOT NULL,
    commit_id  TEXT,
    plan       TEXT NOT NULL -- JSON; without texts once it is done
  ) STRICT;
  CREATE INDEX dreams_agent ON dreams (agent, started_at);
  CREATE INDEX dreams_commit ON dreams (commit_id) WHERE commit_id IS NOT NULL;
  `,
  `
  ALTER TABLE dead ADD COLUMN purged_at INTEGER; -- taken away, and can be brought back until it is swept
  CREATE INDEX dead_purged ON dead (purged_at) WHERE purged_at IS NOT NULL;
  `,
  `
  ALTER TABLE turns ADD COLUMN waits TEXT; -- JSON: what it waited for before it began
  CREATE INDEX dead_replayed ON dead (row_id) WHERE replayed_at IS NOT NULL;
  `,
  // Which message of ours a provider's id means. Kept by triggers, so that the previous release keeps it as well.
  `
  CREATE INDEX inbox_provider_id ON inbox (provider_id) WHERE provider_id IS NOT NULL;
  CREATE INDEX dead_event ON dead (event_id);
  CREATE TABLE sent_ids (
    provider_id TEXT NOT NULL,
    outbox_id   INTEGER NOT NULL,
    PRIMARY KEY (provider_id, outbox_id)
  ) STRICT, WITHOUT ROWID;
  INSERT OR IGNORE INTO sent_ids
    SELECT value, outbox.id FROM outbox, json_each(receipt, '$.providerMessageIds') WHERE receipt IS NOT NULL;
  CREATE TRIGGER outbox_sent_ids AFTER UPDATE OF receipt ON outbox WHEN new.receipt IS NOT NULL BEGIN
    INSERT OR IGNORE INTO sent_ids SELECT value, new.id FROM json_each(new.receipt, '$.providerMessageIds');
  END;
  CREATE TRIGGER outbox_unsent_ids AFTER DELETE ON outbox WHEN old.receipt IS NOT NULL BEGIN
    DELETE FROM sent_ids WHERE outbox_id = old.id
      AND provider_id IN (SELECT value FROM json_each(old.receipt, '$.providerMessageIds'));
  END;
  `,
  `
  CREATE TABLE tokens (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT NOT NULL,
    role         TEXT NOT NULL CHECK (role IN ('operator', 'viewer')),
    hash         TEXT NOT NULL UNIQUE, -- SHA-256; the token itself is nowhere
    created_at   INTEGER NOT NULL,
    created_by   TEXT NOT NULL,
    expires_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at   INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX tokens_name ON tokens (name) WHERE revoked_at IS NULL;
  `,
  // What waits, what died and what was spent are asked for while turns run: every such look walks an index that holds all
  // that it needs, never rows whose bodies may be large. What went on is counted as it ends, by triggers, so that the
  // previous release counts too: an hour may hold a million turns.
  `
  CREATE INDEX inbox_waiting ON inbox (consumer, subject) WHERE state = 'ready';
  CREATE INDEX dead_waiting ON dead (id, hop, subject, kind, reason, first_at, at, replayed_at, purged_at)
    WHERE replayed_at IS NULL AND purged_at IS NULL;
  CREATE INDEX dead_agent ON dead (agent, at);
  CREATE INDEX pairing_state ON pairing (state, id);
  CREATE INDEX usage_day ON usage (day);
  CREATE INDEX sessions_conversation ON sessions (conversation);

  CREATE TABLE traffic (
    minute INTEGER NOT NULL, -- since the epoch
    what   TEXT NOT NULL CHECK (what IN ('received', 'sent', 'turns')),
    name   TEXT NOT NULL, -- of the channel instance; outcome of the turns
    count  INTEGER NOT NULL,
    PRIMARY KEY (minute, what, name)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO traffic SELECT finished_at / 60000, 'received', plugin || '.' || instance, count(*) FROM inbox
    WHERE state = 'done' AND finished_at > (unixepoch() - 3600) * 1000 AND plugin IS NOT NULL GROUP BY 1, 3;
  INSERT INTO traffic SELECT finished_at / 60000, 'sent', plugin || '.' || instance, count(*) FROM outbox
    WHERE state = 'sent' AND finished_at > (unixepoch() - 3600) * 1000 GROUP BY 1, 3;
  INSERT INTO traffic SELECT finished_at / 60000, 'turns', coalesce(outcome, ''), count(*) FROM turns
    WHERE state = 'done' AND finished_at > (unixepoch() - 3600) * 1000 GROUP BY 1, 3;
  CREATE TRIGGER inbox_counted AFTER UPDATE OF state ON inbox
    WHEN new.state = 'done' AND old.state = 'ready' AND new.finished_at IS NOT NULL AND new.plugin IS NOT NULL BEGIN
    INSERT INTO traffic VALUES (new.finished_at / 60000, 'received', new.plugin || '.' || new.instance, 1)
      ON CONFLICT DO UPDATE SET count = count + 1;
  END;
  CREATE TRIGGER outbox_counted AFTER UPDATE OF state ON outbox
    WHEN new.state = 'sent' AND old.state <> 'sent' AND new.finished_at IS NOT NULL BEGIN
    INSERT INTO traffic VALUES (new.finished_at / 60000, 'sent', new.plugin || '.' || new.instance, 1)
      ON CONFLICT DO UPDATE SET count = count + 1;
  END;
  CREATE TRIGGER turns_counted AFTER UPDATE OF state ON turns
    WHEN new.state = 'done' AND old.state = 'running' AND new.finished_at IS NOT NULL BEGIN
    INSERT INTO traffic VALUES (new.finished_at / 60000, 'turns', coalesce(new.outcome, ''), 1)
      ON CONFLICT DO UPDATE SET count = count + 1;
  END;
  `,
];
