import type { SQLInputValue, StatementSync } from "node:sqlite";
import { AppError } from "../core/error.ts";
import type { Fact, FactFilter, FactPage, ListQuery, NewFact, Viewer } from "../core/memory.ts";
import { groupAlike } from "./alike.ts";
import { type Clause, everything, toFilter, toSeen } from "./clauses.ts";
import { type DatabaseOptions, openDatabase } from "./database.ts";
import { type Row, toFact } from "./fact_row.ts";
import { fuse } from "./fuse.ts";
import { candidates, toNearestSql, toRescored } from "./nearest.ts";
import { toCode } from "./vector.ts";
import { saysTheSame, toAskedWords, toGist, toTerm } from "./words.ts";

/** A question as the file understands it: in words, and as a vector where there is one. */
export interface FileQuery extends FactFilter {
  readonly text: string;
  readonly limit: number;
  readonly counts: boolean;
  /** Unit vector of the question, and the model that made it. */
  readonly vector?: Float32Array | undefined;
  readonly model?: string | undefined;
}

/** A fact that waits for its vector. */
export interface Pending {
  readonly row: number;
  readonly text: string;
}

/** The vector of a fact. */
export interface RowVector {
  readonly row: number;
  readonly vector: Float32Array;
}

/** One agent's facts on disk. Every method is one transaction. */
export interface FactFile extends Disposable {
  remember(fact: NewFact, viewer: Viewer, id: string, nowMs: number): Fact;
  recall(query: FileQuery, viewer: Viewer, nowMs: number): readonly Fact[];
  list(query: ListQuery, viewer: Viewer): FactPage;
  find(id: string, viewer: Viewer): Fact | undefined;
  forget(ids: readonly string[], viewer: Viewer): readonly string[];
  forgetPerson(person: string): readonly string[];
  duplicates(limit: number): readonly (readonly Fact[])[];
  restore(id: string): boolean;
  weigh(weights: readonly { readonly id: string; readonly importance: number }[]): void;
  /** Facts without a vector of `model`, oldest first. */
  pending(model: string, limit: number): readonly Pending[];
  /** @throws {AppError} `invalid` with reason `wrong_dimension` for vectors of another length than the model's others. */
  putVectors(model: string, vectors: readonly RowVector[]): void;
  /** Writes what recalls have counted: a recall itself writes nothing. */
  flush(): void;
}

/** How a {@linkcode FactFile} is opened. */
export interface FactFileOptions extends DatabaseOptions {
  readonly maxFacts: number;
}

/** Matches that may be ranked for one question; words that stand in more facts stand back for rarer ones. */
const maxRanked = 1_000;
/** Facts that are compared when duplicates are looked for. */
const maxCompared = 100_000;
/**
 * Opens an agent's file and makes it where there is none. The folder must be there.
 *
 * @throws {AppError} `bug` with reason `memory_damaged` for a file that is none of ours or damaged.
 */
export function openFactFile(options: FactFileOptions): FactFile {
  const { vectorLibrary, maxFacts } = options;
  const database = openDatabase(options);
  const prepared = new Map<string, StatementSync>();
  /** Recalls that are not written yet, by row. */
  const uses = new Map<number, { count: number; atMs: number }>();
  let factCount = Number(database.prepare("SELECT count(*) AS n FROM facts").get()?.["n"] ?? 0);

  const prepare = (sql: string): StatementSync => {
    let statement = prepared.get(sql);
    if (statement === undefined) {
      statement = database.prepare(sql);
      prepared.set(sql, statement);
    }
    return statement;
  };
  const bind = (values: readonly Value[]) => values.map((value) => value ?? null);
  // STRICT tables, and no query selects a blob: text, numbers, null.
  const all = (sql: string, ...values: Value[]) => prepare(sql).all(...bind(values)) as Row[];
  const get = (sql: string, ...values: Value[]) => prepare(sql).get(...bind(values)) as Row | undefined;
  const run = (sql: string, ...values: Value[]) => void prepare(sql).run(...bind(values));
  const transact = <T>(work: () => T): T => {
    database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      database.exec("COMMIT");
      return result;
    } catch (thrown) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw thrown;
    }
  };
  /** The fact of a row, with what recalls have counted and not yet written. */
  const complete = (row: Row): Fact => {
    const fact = toFact(row, all("SELECT id FROM facts WHERE superseded_by = ? ORDER BY row", row["id"]));
    const used = uses.get(Number(row["row"]));
    return used === undefined ? fact : { ...fact, recallCount: fact.recallCount + used.count, lastUsedAtMs: used.atMs };
  };

  const modelOf = (name: string): { model: number; dimension: number } | undefined => {
    const row = get("SELECT model, dimension FROM models WHERE name = ?", name);
    return row && { model: Number(row["model"]), dimension: Number(row["dimension"]) };
  };
  /** Takes a fact out of everything that recall looks into. */
  const bury = (row: Row) => {
    if (row["live"] !== 1) return;
    run(
      "INSERT INTO words (words, rowid, text, tags) VALUES ('delete', ?, ?, ?)",
      row["row"],
      row["text"],
      row["tags"],
    );
    run("DELETE FROM codes WHERE row = ?", row["row"]);
    run("DELETE FROM vectors WHERE row = ?", row["row"]);
  };
  const erase = (rows: readonly Row[]) => {
    for (const row of rows) {
      bury(row);
      run("DELETE FROM tags WHERE row = ?", row["row"]);
      run("DELETE FROM facts WHERE row = ?", row["row"]);
      uses.delete(Number(row["row"]));
    }
    factCount -= rows.length;
  };
  /** The facts and all that they replaced. */
  const withForebears = (rows: readonly Row[]): Row[] => {
    const found = new Map(rows.map((row) => [row["row"], row]));
    for (let front = [...rows]; front.length > 0;) {
      const older = front.flatMap(({ id }) => all("SELECT * FROM facts WHERE superseded_by = ?", id));
      front = older.filter((row) => !found.has(row["row"]));
      for (const row of front) found.set(row["row"], row);
    }
    return [...found.values()];
  };
  const eraseForGood = (rows: readonly Row[]) => {
    if (rows.length === 0) return;
    transact(() => erase(rows));
    // What was deleted must not live on in the log beside the file.
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  };

  const flush = () => {
    if (uses.size === 0) return;
    const counted = [...uses];
    transact(() => {
      for (const [row, { count, atMs }] of counted) {
        run("UPDATE facts SET recall_count = recall_count + ?, used_at = ? WHERE row = ?", count, atMs, row);
      }
    });
    uses.clear();
  };

  const findByWords = (query: FileQuery, seen: Clause, filter: Clause): number[] => {
    const words = toAskedWords(query.text).map((word) => ({
      word,
      facts: Number(get("SELECT doc FROM word_counts WHERE term = ?", word)?.["doc"] ?? 0),
    })).filter(({ facts }) => facts > 0).sort((one, other) => one.facts - other.facts);
    const rarest = words[0];
    if (rarest === undefined) return [];
    let ranked = 0;
    const chosen = words.filter(({ facts }) => (ranked += facts) <= maxRanked).map(({ word }) => toTerm(word));
    // Where every word stands in thousands of facts their rank says little: the newest that hold all of them.
    const [match, order] = chosen.length > 0
      ? [chosen.join(" OR "), "rank"]
      : [words.slice(0, 8).map(({ word }) => toTerm(word)).join(" AND "), "words.rowid DESC"];
    const sql = `SELECT f.row FROM words JOIN facts f ON f.row = words.rowid
      WHERE words MATCH ? AND ${seen.sql} AND ${filter.sql} ORDER BY ${order} LIMIT ${candidates}`;
    return all(sql, match, ...seen.values, ...filter.values).map(({ row }) => Number(row));
  };

  const findByMeaning = (query: FileQuery, seen: Clause, filter: Clause): number[] => {
    const { vector, model: name } = query;
    const model = name === undefined ? undefined : modelOf(name);
    if (vector === undefined || model === undefined || vectorLibrary === undefined) return [];
    if (vector.length !== model.dimension) throw newDimensionError(name, vector.length, model.dimension);
    const narrowed = filter === everything ? "1" : `f.row IN (SELECT f.row FROM facts f WHERE ${filter.sql})`;
    const sql = toNearestSql(`f.model = ? AND ${seen.sql} AND ${narrowed}`, toRescored(factCount));
    const rows = all(sql, toBytes(vector), model.model, ...seen.values, ...filter.values, toCode(vector));
    return rows.filter(({ distance }) => Number(distance) < 1).map(({ row }) => Number(row));
  };

  return {
    remember(fact, viewer, id, nowMs) {
      const known = get("SELECT * FROM facts WHERE key = ?", fact.key);
      if (known !== undefined) return complete(known);
      if (factCount >= maxFacts) {
        const remedy = "Forget some, or raise long_term.max_facts in memory.yaml";
        throw new AppError("invalid", `Cannot remember more than ${maxFacts} facts. ${remedy}`, {
          reason: "too_many_facts",
        });
      }
      const seen = toSeen(viewer);
      const replaced = fact.supersedes.map((older) => {
        const row = get(`SELECT * FROM facts f WHERE id = ? AND ${seen.sql}`, older, ...seen.values);
        if (row !== undefined) return row;
        throw new AppError("invalid", `Cannot replace the fact ${older}: there is none with this id`, {
          reason: "unknown_fact",
        });
      });
      const tags = JSON.stringify(fact.tags);
      const stored = transact(() => {
        const live = fact.importance > 0 ? 1 : 0;
        const { row } = get(
          `INSERT INTO facts (id, key, text, tags, importance, audience, open, person, place, session_id, turn_id,
             message_id, created_at, live) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING row`,
          id,
          fact.key,
          fact.text,
          tags,
          fact.importance,
          fact.audience,
          fact.audience === "everyone" ? 1 : 0,
          fact.person ?? null,
          fact.audience === "conversation" ? fact.conversation ?? null : null,
          fact.sessionId ?? null,
          fact.turnId ?? null,
          fact.messageId ?? null,
          nowMs,
          live,
        ) ?? {};
        if (live) run("INSERT INTO words (rowid, text, tags) VALUES (?, ?, ?)", row, fact.text, tags);
        for (const tag of new Set(fact.tags)) run("INSERT INTO tags (tag, row) VALUES (?, ?)", tag, row);
        for (const older of replaced) {
          bury(older);
          run("UPDATE facts SET superseded_by = ?, live = 0, model = 0 WHERE row = ?", id, older["row"]);
        }
        return get("SELECT * FROM facts WHERE id = ?", id) ?? {};
      });
      factCount++;
      return complete(stored);
    },
    recall(query, viewer, nowMs) {
      const seen = toSeen(viewer);
      const filter = toFilter(query);
      const byWords = findByWords(query, seen, filter);
      const byMeaning = findByMeaning(query, seen, filter);
      const ranked = fuse([byWords, byMeaning], (row) => {
        const found = get("SELECT importance, created_at FROM facts WHERE row = ? AND live = 1", row);
        return found && {
          importance: Number(found["importance"]),
          ageMs: Math.max(0, nowMs - Number(found["created_at"])),
        };
      });
      const facts: Fact[] = [];
      const gists: ReadonlySet<string>[] = [];
      for (const row of ranked) {
        const found = get("SELECT * FROM facts WHERE row = ?", row);
        if (found === undefined) continue;
        const gist = toGist(String(found["text"]));
        if (gists.some((other) => saysTheSame(gist, other))) continue;
        gists.push(gist);
        facts.push(complete(found));
        if (query.counts) uses.set(row, { count: (uses.get(row)?.count ?? 0) + 1, atMs: nowMs });
        if (facts.length === query.limit) break;
      }
      return facts;
    },
    list(query, viewer) {
      const seen = toSeen(viewer);
      const filter = toFilter(query);
      const where = `${seen.sql} AND ${filter.sql}${query.all ? "" : " AND f.live = 1"}`;
      const values = [...seen.values, ...filter.values];
      const before = query.after === undefined ? Number.MAX_SAFE_INTEGER : Number(query.after);
      if (!Number.isSafeInteger(before)) throw new AppError("invalid", `There is no page after ${query.after}`);
      const sql = `SELECT f.* FROM facts f WHERE f.row < ? AND ${where} ORDER BY f.row DESC LIMIT ?`;
      const rows = all(sql, before, ...values, query.limit + 1);
      const page = rows.slice(0, query.limit);
      const last = page.at(-1);
      return {
        facts: page.map(complete),
        total: Number(get(`SELECT count(*) AS n FROM facts f WHERE ${where}`, ...values)?.["n"] ?? 0),
        ...(rows.length > query.limit && last !== undefined ? { next: String(last["row"]) } : {}),
      };
    },
    find(id, viewer) {
      const seen = toSeen(viewer);
      const row = get(`SELECT f.* FROM facts f WHERE f.id = ? AND ${seen.sql}`, id, ...seen.values);
      return row && complete(row);
    },
    forget(ids, viewer) {
      const seen = toSeen(viewer);
      const sql = `SELECT f.* FROM facts f WHERE f.id = ? AND ${seen.sql}`;
      const rows = [...new Set(ids)].map((id) => get(sql, id, ...seen.values)).filter((row) => row !== undefined);
      eraseForGood(withForebears(rows));
      return rows.map(({ id }) => String(id));
    },
    forgetPerson(person) {
      const rows = withForebears(all("SELECT * FROM facts WHERE person = ?", person));
      eraseForGood(rows);
      return rows.map(({ text }) => String(text));
    },
    duplicates(limit) {
      const rows = all(
        `SELECT row, text, audience, coalesce(person, '') AS person, coalesce(place, '') AS place
         FROM facts WHERE live = 1 ORDER BY row DESC LIMIT ${maxCompared}`,
      );
      const groups = groupAlike(rows).slice(0, limit);
      return groups.map((group) =>
        group.map((row) => get("SELECT * FROM facts WHERE row = ?", row)).filter((row) => row !== undefined)
          .map(complete)
      );
    },
    restore(id) {
      const row = get("SELECT * FROM facts WHERE id = ?", id);
      if (row === undefined) return false;
      // What was replaced again by now stays replaced, by the newer one.
      const heir = row["superseded_by"] ?? null;
      transact(() => {
        for (const older of all("SELECT * FROM facts WHERE superseded_by = ?", id)) {
          const live = heir === null && Number(older["importance"]) > 0 ? 1 : 0;
          if (live) {
            run("INSERT INTO words (rowid, text, tags) VALUES (?, ?, ?)", older["row"], older["text"], older["tags"]);
          }
          run("UPDATE facts SET superseded_by = ?, live = ?, model = 0 WHERE row = ?", heir, live, older["row"]);
        }
        erase([row]);
      });
      return true;
    },
    weigh(weights) {
      transact(() => {
        for (const { id, importance } of weights) {
          const row = get("SELECT * FROM facts WHERE id = ?", id);
          if (row === undefined) continue;
          const live = importance > 0 && row["superseded_by"] === null ? 1 : 0;
          if (live === 0) bury(row);
          else if (row["live"] === 0) {
            run("INSERT INTO words (rowid, text, tags) VALUES (?, ?, ?)", row["row"], row["text"], row["tags"]);
          }
          const model = live === 1 && row["live"] === 1 ? row["model"] : 0;
          run(
            "UPDATE facts SET importance = ?, live = ?, model = ? WHERE row = ?",
            importance,
            live,
            model,
            row["row"],
          );
        }
      });
    },
    pending(model, limit) {
      const id = modelOf(model)?.model ?? -1;
      return [
        ...all("SELECT row, text FROM facts WHERE live = 1 AND model < ? ORDER BY row LIMIT ?", id, limit),
        ...all("SELECT row, text FROM facts WHERE live = 1 AND model > ? ORDER BY row LIMIT ?", id, limit),
      ].slice(0, limit).map(({ row, text }) => ({ row: Number(row), text: String(text) }));
    },
    putVectors(name, vectors) {
      transact(() => {
        run("INSERT OR IGNORE INTO models (name, dimension) VALUES (?, ?)", name, vectors[0]?.vector.length ?? 0);
        const known = modelOf(name);
        if (known === undefined) return;
        for (const { row, vector } of vectors) {
          if (vector.length !== known.dimension) throw newDimensionError(name, vector.length, known.dimension);
          const fact = get("SELECT open, person, place FROM facts WHERE row = ? AND live = 1", row);
          if (fact === undefined) continue;
          run("UPDATE facts SET model = ? WHERE row = ?", known.model, row);
          run("INSERT OR REPLACE INTO vectors (row, vector) VALUES (?, ?)", row, toBytes(vector));
          run(
            "INSERT OR REPLACE INTO codes (row, model, open, person, place, code) VALUES (?, ?, ?, ?, ?, ?)",
            row,
            known.model,
            fact["open"],
            fact["person"],
            fact["place"],
            toCode(vector),
          );
        }
      });
    },
    flush,
    [Symbol.dispose]() {
      try {
        flush();
      } finally {
        database.close();
      }
    },
  };
}

/** A column that is not there is bound as NULL. */
type Value = SQLInputValue | undefined;

function newDimensionError(model: string | undefined, given: number, wanted: number): AppError {
  const remedy = "Give the new model another name in memory.yaml, so that facts are embedded again";
  return new AppError(
    "invalid",
    `The embedder ${model} made a vector of ${given} numbers instead of ${wanted}. ${remedy}`,
    {
      reason: "wrong_dimension",
    },
  );
}

function toBytes(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}
