import assert from "node:assert/strict";
import { email } from "../../plugins/email/plugin.ts";
import { telegram } from "../../plugins/telegram/plugin.ts";
import { toConfigDoc, toMetricsDoc } from "../../scripts/docs.ts";
import { metricTable } from "../../src/core/metrics.ts";
import { chat } from "./loading.ts";

Deno.test("every option of every file and of each channel says what it means", () => {
  const rows = toConfigDoc([telegram, email]).split("\n").filter((line) => /^\| `[a-z]/.test(line));
  assert(rows.length > 80);
  assert.deepEqual(rows.filter((row) => row.split(" | ").at(-1)?.replace("|", "").trim() === ""), []);
});

Deno.test("an option stands in the page with type, default and meaning", () => {
  const page = toConfigDoc([chat]);
  assert.match(page, /\| `reload\.debounce` +\| duration such as .* \| `300ms` +\| Quiet time/);
  assert.match(page, /\| `agents\[\]\.id` +\| text +\| required +\| Name of the agent/);
  assert.match(page, /\| `agents\[\]\.accept_delegates_from` +\| list of text +\| `\["\*"\]` +\|/);
});

Deno.test("a plugin's options stand in the page once", () => {
  const rows = toConfigDoc([chat]).split("\n").filter((line) => /`chat\S*token`/.test(line));
  assert.equal(rows.length, 1);
  assert.match(rows[0] ?? "", /`chat\[\]\.token`/);
});

Deno.test("every metric stands in its page", () => {
  const page = toMetricsDoc();
  assert.deepEqual(Object.keys(metricTable).filter((name) => !page.includes(`\`${name}\``)), []);
});
