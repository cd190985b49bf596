import assert from "node:assert/strict";
import { toAppError } from "../../src/core/error.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { newSecret } from "../../src/core/secret.ts";
import { newWireProvider } from "../../src/llm/wire.ts";
import type { Protocol } from "../../src/llm/kinds.ts";
import type { FakeLlm } from "../fixtures/fake_llm.ts";
import { openFakeAnthropic } from "../fixtures/fake_llm_anthropic.ts";
import { openFakeGemini } from "../fixtures/fake_llm_gemini.ts";
import { openFakeOpenai } from "../fixtures/fake_llm_openai.ts";
import { collect, finishOf, newLlmTool, newRequest } from "./room.ts";

const rounds = 400;

/** Pseudo-random numbers from 0 to 1 (mulberry32). */
function newRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const values = ["null", "[]", "{}", "-1", '""', '"\\ud800"', "1e999", "true", '"toolu_1"', "[null]", '{"a":1}'];

/** An answer with one or more things wrong: events lost, doubled or swapped, values of other types, bytes cut off. */
function mutate(body: string, random: () => number): string {
  const pick = (length: number) => Math.floor(random() * length);
  const events = body.split("\n\n");
  for (let faults = 1 + pick(3); faults > 0; faults--) {
    const at = pick(events.length);
    const event = events[at] ?? "";
    switch (pick(6)) {
      case 0:
        events.splice(at, 1);
        break;
      case 1:
        events.splice(at, 0, event);
        break;
      case 2:
        events.push(...events.splice(at, 1));
        break;
      case 3: {
        const places = [...event.matchAll(/:("(?:[^"\\]|\\.)*"|[\d.]+|null|true|false)/g)];
        const place = places[pick(places.length)];
        if (place === undefined) break;
        const end = place.index + place[0].length;
        events[at] = `${event.slice(0, place.index)}:${values[pick(values.length)]}${event.slice(end)}`;
        break;
      }
      case 4:
        events[at] = event.slice(0, pick(event.length));
        break;
      case 5:
        events[at] = `${event.slice(0, pick(event.length))}\u0000\ufffd${event.slice(pick(event.length))}`;
    }
  }
  return events.join("\n\n");
}

const vendors: readonly (readonly [Protocol, () => FakeLlm])[] = [
  ["anthropic", openFakeAnthropic],
  ["openai", openFakeOpenai],
  ["google", openFakeGemini],
];

for (const [protocol, open] of vendors) {
  Deno.test(`an answer of ${protocol} with anything wrong in it is an answer or a plain error, never a fault of ours`, async () => {
    await using fake = open();
    fake.script({
      type: "answer",
      text: ["Let me ", "look."],
      calls: [
        { id: "toolu_1", name: "weather", arguments: '{"place":"Graz"}' },
        { id: "toolu_2", name: "weather", arguments: '{"place":"Linz"}' },
      ],
    });
    let good: Response | undefined;
    let body = "";
    const provider = newWireProvider({
      id: "vendor",
      endpoint: { protocol, baseUrl: fake.baseUrl, apiKey: newSecret("key"), headers: {} },
      timeouts: { firstMs: 60_000, idleMs: 60_000, totalMs: 60_000 },
      wantsReasoning: true,
      images: true,
    }, {
      clock: systemClock,
      async fetch(input, init) {
        if (good === undefined) {
          good = await fetch(input, init);
          body = await good.text();
          return new Response(body, good);
        }
        return new Response(mutated, good);
      },
    });
    const request = newRequest({ tools: [newLlmTool("weather")] });
    let mutated = "";
    finishOf(await collect(provider, request));
    const seed = Date.now() % 1_000_000;
    const random = newRandom(seed);
    let errors = 0;
    for (let round = 0; round < rounds; round++) {
      mutated = mutate(body, random);
      const what = `seed ${seed}, round ${round}: ${mutated}`;
      try {
        const chunks = await collect(provider, request);
        finishOf(chunks);
        for (const chunk of chunks) {
          if (chunk.type === "text") assert.equal(typeof chunk.text, "string", what);
          if (chunk.type !== "toolCall") continue;
          assert.equal(typeof chunk.call.id, "string", what);
          assert.equal(typeof chunk.call.name, "string", what);
        }
      } catch (thrown) {
        if (thrown instanceof assert.AssertionError) throw thrown;
        const { kind, message } = toAppError(thrown);
        assert.notEqual(kind, "bug", `${what}\n${thrown instanceof Error ? thrown.stack : message}`);
        errors++;
      }
    }
    assert.ok(errors > 0 && errors < rounds, `${errors} of ${rounds} were refused`);
  });
}
