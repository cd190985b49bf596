/** Version of {@linkcode schema}, as the file's `user_version`. */
export const schemaVersion = 1;

/**
 * One agent's memory.
 *
 * - `facts`: the truth. `live` is 1 while a fact can be recalled: it is neither replaced nor faded. `model` is the model
 *   whose vector it has, 0 for none yet. `open` is 1 for facts that everyone may be told; `place` is the conversation
 *   that may be told a fact.
 * - `tags`: tags of facts, for filters.
 * - `words`: full-text index over the live facts.
 * - `models`: embedders whose vectors stand here, with the length of a vector.
 * - `vectors`: unit vectors of facts, float32. `codes`: the sign of each of their numbers, with what a scan decides by.
 */
export const schema = `
CREATE TABLE facts (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  key TEXT NOT NULL UNIQUE,
  text TEXT NOT NULL,
  tags TEXT NOT NULL,
  importance REAL NOT NULL,
  audience TEXT NOT NULL,
  open INTEGER NOT NULL,
  person TEXT,
  place TEXT,
  session_id TEXT,
  turn_id TEXT,
  message_id TEXT,
  created_at INTEGER NOT NULL,
  used_at INTEGER,
  recall_count INTEGER NOT NULL DEFAULT 0,
  superseded_by TEXT,
  live INTEGER NOT NULL,
  model INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX facts_person ON facts (person) WHERE person IS NOT NULL;
CREATE INDEX facts_pending ON facts (model) WHERE live = 1;
CREATE INDEX facts_superseded ON facts (superseded_by) WHERE superseded_by IS NOT NULL;
CREATE TABLE tags (tag TEXT NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (tag, row)) STRICT, WITHOUT ROWID;
CREATE INDEX tags_row ON tags (row);
CREATE VIRTUAL TABLE words USING fts5(
  text, tags, content = 'facts', content_rowid = 'row', tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
INSERT INTO words (words, rank) VALUES ('rank', 'bm25(1.0, 0.5)');
CREATE VIRTUAL TABLE word_counts USING fts5vocab(words, row);
CREATE TABLE models (model INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, dimension INTEGER NOT NULL) STRICT;
CREATE TABLE vectors (row INTEGER PRIMARY KEY, vector BLOB NOT NULL) STRICT;
CREATE TABLE codes (
  row INTEGER PRIMARY KEY,
  model INTEGER NOT NULL,
  open INTEGER NOT NULL,
  person TEXT,
  place TEXT,
  code BLOB NOT NULL
) STRICT;
`;
