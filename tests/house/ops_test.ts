import assert from "node:assert/strict";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { metricTable } from "../../src/core/metrics.ts";
import { newMachine } from "../../scripts/system.ts";
import { openTempDir } from "../fixtures/nexo_process.ts";

const ops = new URL("../../docs/ops/", import.meta.url);
const rulesSchema = z.strictObject({
  groups: z.array(z.strictObject({
    name: z.string(),
    rules: z.array(z.strictObject({
      alert: z.string(),
      expr: z.string(),
      for: z.string().optional(),
      labels: z.strictObject({ severity: z.enum(["page", "ticket"]) }),
      annotations: z.strictObject({ summary: z.string(), runbook: z.string() }),
    })),
  })),
});
const place = z.strictObject({ h: z.int().min(1), w: z.int().min(1), x: z.int().min(0), y: z.int().min(0) });
const panelSchema = z.looseObject({
  id: z.int(),
  type: z.enum(["row", "stat", "timeseries"]),
  title: z.string().min(1),
  gridPos: place,
  targets: z.array(z.looseObject({ refId: z.string(), expr: z.string(), legendFormat: z.string() })).default([]),
});
/** What Grafana 11 and later import: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/ */
const dashboardSchema = z.looseObject({
  title: z.string(),
  uid: z.string(),
  schemaVersion: z.literal(39),
  panels: z.array(panelSchema),
  templating: z.looseObject({ list: z.array(z.looseObject({ name: z.string(), type: z.string() })) }),
});

const { groups } = rulesSchema.parse(parse(await Deno.readTextFile(new URL("alerts.yaml", ops))));
const rules = groups.flatMap(({ rules }) => rules);
const dashboard = dashboardSchema.parse(JSON.parse(await Deno.readTextFile(new URL("grafana.json", ops))));

/** Labels that Prometheus puts to what it scrapes; our own `instance` becomes `exported_instance`. */
const targetLabels = ["job", "instance", "exported_instance"];

/** What a query asks of metrics that is not there, in words. */
function findFaults(expr: string): readonly string[] {
  const table: Readonly<Record<string, { readonly type: string; readonly labels: readonly string[] }>> = metricTable;
  const named = [...expr.matchAll(/\b(nexo_\w+|up)\b/g)].map(([name]) => name);
  const known = new Set(targetLabels);
  const faults: string[] = named.length === 0 ? ["no metric"] : [];
  for (const name of named.filter((name) => name !== "up")) {
    const base = name.replace(/_(bucket|sum|count)$/, "");
    const metric = table[name] ?? (table[base]?.type === "histogram" ? table[base] : undefined);
    if (metric === undefined) faults.push(`there is no ${name}`);
    for (const label of metric?.labels ?? []) known.add(label);
    if (metric?.type === "histogram") known.add("le");
    if (metric?.type === "counter" && !new RegExp(`(rate|increase)\\(${name}`).test(expr)) {
      faults.push(`${name} as it is`);
    }
  }
  const matched = [...expr.matchAll(/\{([^}]*)\}/g)].flatMap(([, inner = ""]) =>
    [...inner.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = ""]) => label)
  );
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, inner = ""]) => inner.split(/,\s*/));
  return [
    ...faults,
    ...[...matched, ...grouped].filter((label) => !known.has(label)).map((label) => `no label ${label}`),
  ];
}

Deno.test("every alert asks for metrics that there are, with their labels", () => {
  const faults = rules.flatMap(({ alert, expr }) => findFaults(expr).map((fault) => `${alert}: ${fault}`));
  assert.deepEqual(faults, []);
  assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
});

Deno.test("an alert's summary speaks of labels that its query leaves", () => {
  const wrong = rules.flatMap(({ alert, expr, annotations: { summary } }) => {
    const grouped = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(/,\s*/);
    return [...summary.matchAll(/\$labels\.(\w+)/g)]
      .filter(([, label = ""]) =>
        findFaults(`up{${label}=""} + ${expr}`).length > 0 || grouped?.includes(label) === false
      )
      .map(([, label]) => `${alert}: ${label}`);
  });
  assert.deepEqual(wrong, []);
});

Deno.test("an alert that waits for a first event sees it: a counter begins with it, which `increase` does not count", () => {
  const blind = rules.filter(({ expr }) =>
    [...expr.matchAll(/increase\((nexo_\w+(?:\{[^}]*\})?)\[(\w+)\]\) > 0/g)]
      .some(([, series = "", span = ""]) => !expr.includes(`${series} unless ${series} offset ${span}`))
  );
  assert.deepEqual(blind.map(({ alert }) => alert), []);
  assert.ok(rules.some(({ expr }) => expr.includes("unless")));
});

Deno.test("every alert has its section in the runbook, and the runbook no other", async () => {
  const runbook = await Deno.readTextFile(new URL("../operations.md", ops));
  const alerts = runbook.slice(runbook.indexOf("\n## Alerts\n")).split(/\n## /)[1] ?? "";
  const sections = [...alerts.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
  assert.deepEqual(sections, rules.map(({ alert }) => alert));
  for (const { alert, annotations: { runbook } } of rules) {
    assert.equal(runbook, `docs/operations.md#${alert.toLowerCase()}`);
  }
});

Deno.test("every panel of the dashboard asks for metrics that there are, with their labels", () => {
  const faults = dashboard.panels.flatMap(({ title, type, targets }) => [
    ...type !== "row" && targets.length === 0 ? [`${title}: nothing`] : [],
    ...targets.flatMap(({ expr }) => findFaults(expr).map((fault) => `${title}: ${fault}`)),
    ...targets.flatMap(({ expr, legendFormat }) =>
      [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].flatMap(([, label]) => findFaults(`up{${label}=""} + ${expr}`))
        .map((fault) => `${title}: ${fault} in its legend`)
    ),
  ]);
  assert.deepEqual(faults, []);
});

Deno.test("no panel of the dashboard lies upon another, and each has an id of its own", () => {
  const taken = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, index) => `${x + index % w}:${y + Math.floor(index / w)}`)
  );
  assert.equal(new Set(taken).size, taken.length);
  assert.ok(taken.every((cell) => Number(cell.split(":")[0]) < 24));
  assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
  assert.deepEqual(dashboard.templating.list.map(({ name }) => name), ["datasource", "instance"]);
});

async function promtool(...args: readonly string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command("promtool", { args: [...args] }).output();
  assert.ok(success, new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr));
}

Deno.test({
  name:
    "Prometheus takes the alert rules and the dashboard's queries, and the rules speak when they should (needs promtool)",
  ignore: !await newMachine().has("promtool"),
  async fn() {
    await promtool("check", "rules", new URL("alerts.yaml", ops).pathname);
    await promtool("test", "rules", new URL("alerts_promtool.yaml", import.meta.url).pathname);
    await using folder = await openTempDir();
    const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    const asRules = queries.map((expr, index) => ({
      record: `dashboard:${index}`,
      expr: expr.replaceAll("$__rate_interval", "5m").replaceAll("$instance", ".*"),
    }));
    const path = `${folder.path}/dashboard.yaml`;
    await Deno.writeTextFile(path, stringify({ groups: [{ name: "dashboard", rules: asRules }] }));
    await promtool("check", "rules", path);
  },
});
