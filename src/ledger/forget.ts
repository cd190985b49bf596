import type { Ledger, Row, Statement } from "../core/ledger.ts";
import { parseSessionId } from "../core/session.ts";

/** Everything in the ledger that one person wrote or was told, by id. */
export interface PersonTraces {
  /** Conversations with nobody else, and the work that agents gave each other in them: they go whole. */
  readonly sessions: readonly string[];
  /** Conversations with others: only the turns that this person had a part in go, and what sums them up. */
  readonly sharedSessions: readonly string[];
  /** Turns of shared conversations. */
  readonly sharedTurns: readonly string[];
  readonly messages: readonly number[];
  readonly turns: readonly string[];
  /** Events of the person, by which the rest is found. */
  readonly events: readonly number[];
  /** Other events of the turns: tasks of agents for each other, and their results. */
  readonly routes: readonly number[];
  readonly outbox: readonly { readonly id: number; readonly key: string }[];
  readonly dead: readonly number[];
  readonly spill: readonly number[];
  /** Names of the files that were sent to them, and to nobody else. */
  readonly files: readonly string[];
  /** Whether agents let them in, or not. */
  readonly pairings: readonly number[];
}

/** Rows that one unit deletes: the writer must not be busy with it for long. */
const chunkSize = 200;

const among = (column: string) => `${column} IN (SELECT value FROM json_each(?))`;
const ids = (values: readonly (string | number)[]) => JSON.stringify(values);

/**
 * Finds what there is of a person, who is `plugin:id` as `toPerson` makes it. Reads through whole tables, in the
 * reader's worker.
 */
export async function findPerson(
  ledger: Pick<Ledger, "query">,
  person: string,
  signal: AbortSignal,
): Promise<PersonTraces> {
  const plugin = person.slice(0, person.indexOf(":"));
  const senderId = person.slice(plugin.length + 1);
  const ask = (sql: string, ...values: (string | number)[]): Promise<readonly Row[]> =>
    ledger.query({ sql, values }, signal);
  const texts = (rows: readonly Row[], column = "id") => rows.map((row) => String(row[column]));
  const numbers = (rows: readonly Row[]) => rows.map(({ id }) => Number(id));

  const heard = await ask(
    `SELECT mine.session_id AS id, EXISTS (SELECT 1 FROM session_people AS other
      WHERE other.session_id = mine.session_id AND other.person <> mine.person) AS shared
      FROM session_people AS mine WHERE mine.person = ?`,
    person,
  );
  const sharedSessions = texts(heard.filter(({ shared }) => shared === 1));
  // Of old entries nobody noted who wrote them: a private chat often has its person's id.
  const namedAfter = await ask(`SELECT id FROM sessions WHERE plugin = ? AND conversation = ?`, plugin, senderId);
  const own = [...new Set([...texts(heard.filter(({ shared }) => shared === 0)), ...texts(namedAfter)])]
    .filter((id) => !sharedSessions.includes(id));

  const events = await ask(
    `SELECT id, event_id, turn_id FROM inbox WHERE json_extract(event, '$.payload.plugin') = ?
      AND json_extract(event, '$.payload.message.sender.id') = ?`,
    plugin,
    senderId,
  );
  const sharedTurns = [
    ...new Set([
      ...texts(
        await ask(
          `SELECT DISTINCT turn_id AS id FROM messages WHERE ${among("session_id")} AND turn_id IS NOT NULL
          AND EXISTS (SELECT 1 FROM json_each(body, '$.people') WHERE value = ?)`,
          ids(sharedSessions),
          person,
        ),
      ),
      ...texts(
        await ask(
          `SELECT id FROM turns WHERE ${among("session_id")}
          AND EXISTS (SELECT 1 FROM json_each(input, '$.people') WHERE value = ?)`,
          ids(sharedSessions),
          person,
        ),
      ),
      ...texts(events.filter(({ turn_id }) => turn_id !== null), "turn_id"),
    ]),
  ];
  const sessions = await withDelegated(own, sharedSessions, ask);
  const turns = [
    ...new Set([
      ...sharedTurns,
      ...texts(await ask(`SELECT id FROM turns WHERE ${among("session_id")}`, ids(sessions))),
    ]),
  ];
  const routes = await ask(
    `SELECT id FROM inbox WHERE ${among("turn_id")} OR ${among("substr(event_id, 1, instr(event_id || ':', ':') - 1)")}
      OR ${among("json_extract(event, '$.payload.sessionId')")}`,
    ids(turns),
    ids(turns),
    ids(sessions),
  );
  const eventIds = texts(events, "event_id");
  const outbox = await ask(
    `SELECT id, key FROM outbox WHERE ${among("session_id")} OR ${among("turn_id")} OR ${among("key")}`,
    ids(sessions),
    ids(turns),
    ids(eventIds.map((id) => `${id}:refused`)),
  );
  return {
    sessions,
    sharedSessions,
    sharedTurns,
    messages: numbers(
      await ask(
        `SELECT id FROM messages WHERE ${among("session_id")} OR ${among("turn_id")}
          OR ${among("session_id")} AND (through_id IS NOT NULL
            OR EXISTS (SELECT 1 FROM json_each(body, '$.people') WHERE value = ?))`,
        ids(sessions),
        ids(sharedTurns),
        ids(sharedSessions),
        person,
      ),
    ),
    turns,
    events: numbers(events),
    routes: numbers(routes).filter((id) => !events.some((event) => event.id === id)),
    files: texts(
      await ask(
        `SELECT json_extract(file.value, '$.sha256') AS id FROM outbox, json_each(body, '$.files') AS file
          GROUP BY 1 HAVING min(${among("outbox.id")})`,
        ids(numbers(outbox)),
      ),
    ),
    outbox: outbox.map(({ id, key }) => ({ id: Number(id), key: String(key) })),
    dead: numbers(
      await ask(
        `SELECT id FROM dead WHERE ${among("session_id")} OR ${among("event_id")}
          OR ${among("json_extract(body, '$.turnId')")} OR ${among("json_extract(body, '$.payload.sessionId')")}
          OR json_extract(body, '$.payload.plugin') = ? AND json_extract(body, '$.payload.message.sender.id') = ?`,
        ids(sessions),
        ids(eventIds),
        ids(turns),
        ids(sessions),
        plugin,
        senderId,
      ),
    ),
    pairings: numbers(await ask(`SELECT id FROM pairing WHERE plugin = ? AND sender = ?`, plugin, senderId)),
    spill: numbers(
      await ask(
        `SELECT id FROM spill WHERE ${among("json_extract(event, '$.payload.sessionId')")}
          OR json_extract(event, '$.payload.plugin') = ? AND json_extract(event, '$.payload.message.sender.id') = ?`,
        ids(sessions),
        plugin,
        senderId,
      ),
    ),
  };
}

/** Sessions in which agents worked on tasks of these sessions, and on tasks of those: `from:<session>` is their conversation. */
async function withDelegated(
  own: readonly string[],
  shared: readonly string[],
  ask: (sql: string, ...values: string[]) => Promise<readonly Row[]>,
): Promise<readonly string[]> {
  const found = new Set(own);
  for (let newest: readonly string[] = [...own, ...shared]; newest.length > 0;) {
    const rows = await ask(
      `SELECT id FROM sessions WHERE plugin = 'agent'
        AND ${among("substr(conversation, instr(conversation, ':') + 1)")}`,
      ids(newest),
    );
    newest = rows.map(({ id }) => String(id)).filter((id) => !found.has(id));
    for (const id of newest) found.add(id);
  }
  return [...found];
}

/**
 * Units that delete what was found, in order. Each can be the last one that happens: what is left is found again, as who
 * was heard where goes last.
 */
export function forgetTraces(person: string, traces: PersonTraces): readonly (readonly Statement[])[] {
  const { sessions, sharedSessions, sharedTurns, messages, turns, events, routes, outbox, dead, spill, pairings } =
    traces;
  return [
    // First what is found by its turn, then the turns.
    ...toChunks(outbox.map(({ id }) => id)).map((chunk) => [remove("outbox", "id", chunk)]),
    ...toChunks(dead).map((chunk) => [remove("dead", "id", chunk)]),
    ...toChunks(spill).map((chunk) => [remove("spill", "id", chunk)]),
    ...toChunks(routes).map(removeEvents),
    // A turn goes whole: without its question nobody could tell that its answer was this person's.
    ...toChunks(sharedTurns).map((chunk) => [...removeTurns(chunk), remove("messages", "turn_id", chunk)]),
    ...toChunks(messages).map((chunk) => [remove("messages", "id", chunk)]),
    ...toChunks(turns).map(removeTurns),
    ...toChunks(events).map(removeEvents),
    ...toChunks(pairings).map((chunk) => [
      {
        // That somebody was let in stays known, who it was does not.
        sql: `UPDATE audit SET target = substr(target, 1, instr(target, ' ') - 1) WHERE target IN
          (SELECT plugin || '.' || instance || ' ' || sender FROM pairing WHERE ${among("id")})`,
        values: [ids(chunk)],
      },
      remove("pairing", "id", chunk),
    ]),
    ...toChunks(sharedSessions).map((chunk) => [
      { sql: `UPDATE sessions SET title = '' WHERE ${among("id")}`, values: [ids(chunk)] },
      { sql: `DELETE FROM session_people WHERE ${among("session_id")} AND person = ?`, values: [ids(chunk), person] },
    ]),
    ...toChunks(sessions).map((
      chunk,
    ) => [remove("sessions", "id", chunk), remove("session_people", "session_id", chunk)]),
  ];
}

function remove(table: string, column: string, chunk: readonly (string | number)[]): Statement {
  return { sql: `DELETE FROM ${table} WHERE ${among(column)}`, values: [ids(chunk)] };
}

function removeTurns(chunk: readonly string[]): readonly Statement[] {
  return [remove("steps", "turn_id", chunk), remove("turns", "id", chunk)];
}

/** The newest row keeps its number, which SQLite would give again, and loses all that it says. */
function removeEvents(chunk: readonly number[]): readonly Statement[] {
  return [
    {
      sql: `DELETE FROM inbox WHERE ${among("id")} AND id < (SELECT max(id) FROM inbox)`,
      values: [ids(chunk)],
    },
    {
      sql:
        `UPDATE inbox SET state = 'done', event = '{}', event_id = 'forgotten:' || id, plugin = NULL, instance = NULL,
        conversation = NULL, provider_id = NULL, turn_id = NULL, finished_at = coalesce(finished_at, received_at)
        WHERE ${among("id")}`,
      values: [ids(chunk)],
    },
  ];
}

function toChunks<T>(values: readonly T[]): readonly (readonly T[])[] {
  return Array.from(
    { length: Math.ceil(values.length / chunkSize) },
    (_, index) => values.slice(index * chunkSize, (index + 1) * chunkSize),
  );
}

/** A file in an agent's folder that came with a message. */
export interface ReceivedFile {
  readonly agent: string;
  /** In the agent's folder. */
  readonly path: string;
}

/** Files that came with these messages. */
export async function findReceivedFiles(
  ledger: Pick<Ledger, "query">,
  { messages }: Pick<PersonTraces, "messages">,
  signal: AbortSignal,
): Promise<readonly ReceivedFile[]> {
  const sql = `SELECT messages.session_id AS session, json_extract(file.value, '$.path') AS path
    FROM messages, json_each(messages.body, '$.attachments') AS file
    WHERE ${among("messages.id")} AND json_extract(file.value, '$.path') IS NOT NULL`;
  const rows = await ledger.query({ sql, values: [ids(messages)] }, signal);
  return rows.flatMap(({ session, path }) => {
    const agent = parseSessionId(String(session))?.agent;
    return agent === undefined ? [] : [{ agent, path: String(path) }];
  });
}
