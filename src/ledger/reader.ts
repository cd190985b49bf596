/// <reference lib="deno.worker" />
// Lists, searches and counts over the ledger, in a worker of its own, so that a long query never stalls a turn.
import { toErrorRecord } from "../core/error.ts";
import type { Row } from "../core/ledger.ts";
import type { ReaderReply, ReaderRequest } from "./protocol.ts";
import { newStatementCache, openReadOnly, toLedgerError } from "./sqlite.ts";

self.onmessage = (first: MessageEvent<string>) => {
  const { path }: { path: string } = JSON.parse(first.data);
  const prepare = newStatementCache(openReadOnly(path));
  self.onmessage = (event: MessageEvent<string>) => {
    const request: ReaderRequest = JSON.parse(event.data);
    self.postMessage(JSON.stringify(answer(request)));
  };

  function answer(request: ReaderRequest): ReaderReply {
    try {
      const rows = prepare(request.sql).all(...request.values) as Row[]; // STRICT tables: text, numbers, null
      return { id: request.id, rows };
    } catch (thrown) {
      return { id: request.id, error: toErrorRecord(toLedgerError(thrown)) };
    }
  }
};
