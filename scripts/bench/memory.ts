import { DatabaseSync } from "node:sqlite";
import { getLoadablePath } from "sqlite-vec";
import { openFactFile } from "../../src/memory/fact_file.ts";
import { toNearestSql, toRescored } from "../../src/memory/nearest.ts";
import { toTextVector } from "../../src/memory/text_vector.ts";
import { toCode } from "../../src/memory/vector.ts";
import { readWordVectors, type WordVectors } from "../../src/memory/word_vectors.ts";
import { openTempDir } from "../../tests/fixtures/nexo_process.ts";
import { measureRecall, readRecallSet } from "../../tests/memory/recall_set.ts";
import { never, newFact, openTestMemory, operator, toPrivate } from "../../tests/memory/room.ts";
import { type Figure, toPercentiles } from "./figure.ts";
import { toBenchFact, toBenchQuestion } from "./memory_facts.ts";

const questionCount = 200;
const model = "embedded/words-1";

/** Remember and recall at three sizes, how true the fast index is, what it costs, and how well facts are found. */
export async function measureMemory(): Promise<readonly Figure[]> {
  const words = readWordVectors(await Deno.readFile(new URL("../../src/memory/word_vectors.bin", import.meta.url)));
  await using folder = await openTempDir();
  await using shop = await openWorkshop();
  const figures: Figure[] = [];
  for (const [size, recallMs] of [[1_000, 5], [10_000, 5], [100_000, 25]] as const) {
    const path = `${folder.path}/sizes/agent${size}`;
    await Deno.mkdir(path, { recursive: true });
    fill(`${shop.path}/${size}.db`, size, words);
    await Deno.copyFile(`${shop.path}/${size}.db`, `${path}/memory.db`);
    figures.push(
      toFigure(`recall@10 of the fast index at ${size}`, compareWithExact(`${path}/memory.db`, size, words), 0.95),
    );
    figures.push(...await measureCalls(`${folder.path}/sizes`, size, recallMs));
  }
  figures.push(await measureAgents(folder.path));
  figures.push(...await measureQuality(words));
  return figures;
}

/** A folder in memory where there is one: what is filled there is not measured, and a disk would take minutes. */
async function openWorkshop(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ dir: "/dev/shm" }).catch(() => Deno.makeTempDir());
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

function toFigure(name: string, value: number, atLeast?: number): Figure {
  return { part: "memory", name, value, unit: "", ...(atLeast === undefined ? {} : { target: { atLeast } }) };
}

function fill(path: string, size: number, words: WordVectors): void {
  using file = openFactFile({
    path,
    vectorLibrary: getLoadablePath(),
    maxFacts: 1_000_000,
    maxBytes: 2_000_000_000,
    check: false,
  });
  for (let number = 0; number < size; number++) {
    const fact = newFact(toBenchFact(number), { key: `key${number}` });
    file.remember(fact, operator, `id${number}`, 1_700_000_000_000 + number);
  }
  for (let rows = file.pending(model, 512); rows.length > 0; rows = file.pending(model, 512)) {
    file.putVectors(model, rows.map(({ row, text }) => ({ row, vector: toTextVector(text, words) })));
  }
}

/** Part of the ten nearest vectors that the codes let through. */
function compareWithExact(path: string, size: number, words: WordVectors): number {
  using database = new DatabaseSync(path, { allowExtension: true });
  database.loadExtension(getLoadablePath());
  const fast = database.prepare(toNearestSql("1", toRescored(size), 10));
  const exact = database.prepare("SELECT row FROM vectors ORDER BY vec_distance_cosine(vector, ?) LIMIT 10");
  let common = 0;
  for (let number = 0; number < questionCount; number++) {
    const vector = toTextVector(toBenchQuestion(number), words);
    const bytes = new Uint8Array(vector.buffer);
    const found = new Set(fast.all(bytes, toCode(vector)).map((row) => row["row"]));
    common += exact.all(bytes).filter((row) => found.has(row["row"] ?? null)).length;
  }
  return common / (10 * questionCount);
}

async function measureCalls(folder: string, size: number, recallMs: number): Promise<readonly Figure[]> {
  await using test = await openTestMemory({ folder, longTerm: { max_facts: 1_000_000 } });
  const agent = `agent${size}`;
  const viewer = toPrivate("telegram:1");
  const time = async (work: () => Promise<unknown>) => {
    const startedMs = performance.now();
    await work();
    return performance.now() - startedMs;
  };
  const recall = (number: number) =>
    test.memory.recall(agent, { text: toBenchQuestion(number), limit: 8, counts: true }, viewer, never);
  const remember = (number: number) => test.memory.remember(agent, newFact(toBenchFact(number)), viewer, never);
  for (let number = 0; number < 20; number++) await recall(questionCount + number);
  const blocked = watchIsolate();
  const recalls: number[] = [];
  for (let number = 0; number < questionCount; number++) recalls.push(await time(() => recall(number)));
  const remembers: number[] = [];
  for (let number = 0; number < questionCount; number++) remembers.push(await time(() => remember(size + number)));
  return [
    ...toPercentiles("memory", `recall at ${size}`, recalls, { p50: recallMs }),
    ...toPercentiles("memory", `remember at ${size}`, remembers),
    {
      part: "memory",
      name: `main isolate blocked at ${size}, at most`,
      value: blocked(),
      unit: "ms",
      target: { atMost: 5 },
    },
  ];
}

/** How late a timer of this isolate fires, at worst, until the answer is asked for; milliseconds. */
function watchIsolate(): () => number {
  let worst = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    worst = Math.max(worst, now - last - 1);
    last = now;
  }, 1);
  return () => {
    clearInterval(timer);
    return worst;
  };
}

async function measureAgents(folder: string): Promise<Figure> {
  const agents = `${folder}/agents`;
  for (let agent = 0; agent < 20; agent++) {
    await Deno.mkdir(`${agents}/agent${agent}`, { recursive: true });
    await Deno.copyFile(`${folder}/sizes/agent10000/memory.db`, `${agents}/agent${agent}/memory.db`);
  }
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--cached-only", new URL("./memory_agents.ts", import.meta.url).pathname, agents],
  }).output();
  const value = Number(new TextDecoder().decode(stdout)) / 1_000_000;
  return { part: "memory", name: "20 agents with 10,000 facts", value, unit: "MB", target: { atMost: 250 } };
}

async function measureQuality(words: WordVectors): Promise<readonly Figure[]> {
  const set = await readRecallSet();
  const vectors = set.map(({ fact }) => toTextVector(fact, words));
  const byVectors = (question: string) => {
    const asked = toTextVector(question, words);
    const angles = vectors.map((vector) => vector.reduce((sum, number, at) => sum + number * (asked[at] ?? 0), 0));
    return Promise.resolve([...angles.keys()].sort((one, other) => (angles[other] ?? 0) - (angles[one] ?? 0)));
  };
  const openSet = async (longTerm: unknown) => {
    const test = await openTestMemory({ longTerm });
    const places = new Map<string, number>();
    await Promise.all(set.map(async ({ fact }, place) => {
      places.set((await test.memory.remember("set", newFact(fact), operator, never)).id, place);
    }));
    const find = async (text: string) => {
      const { facts } = await test.memory.recall("set", { text, limit: 5, counts: false }, operator, never);
      return facts.map(({ id }) => places.get(id) ?? -1);
    };
    return { test, find };
  };
  const alone = await openSet({ embedder: { kind: "none" } });
  const both = await openSet({});
  await both.test.indexed(set.length);
  const ways = { "words alone": alone.find, "vectors alone": byVectors, "both": both.find };
  const figures: Figure[] = [];
  for (const [name, find] of Object.entries(ways)) {
    figures.push(toFigure(`recall@5 of ${name}`, await measureRecall(set, find)));
    for (const language of ["en", "es"] as const) {
      for (const kind of ["words", "forms", "paraphrase"] as const) {
        const share = await measureRecall(set, find, (one) => one.language === language && one.kind === kind);
        figures.push(toFigure(`recall@5 of ${name}: ${language} ${kind}`, share));
      }
    }
  }
  await alone.test[Symbol.asyncDispose]();
  await both.test[Symbol.asyncDispose]();
  return figures;
}
