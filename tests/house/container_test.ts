import assert from "node:assert/strict";
import { parse } from "yaml";
import { z } from "zod";
import { readInstructions, toWords } from "../fixtures/dockerfile.ts";
import { startFlags } from "../fixtures/nexo_process.ts";

const repository = new URL("../../", import.meta.url);

Deno.test("the container runs as nobody in particular, looks after itself, and stops in order", async () => {
  const all = await readInstructions();
  const last = (name: string) => all.findLast(([one]) => one === name)?.[1] ?? assert.fail(`no ${name}`);
  assert.ok(Number(last("USER")) > 0, "a number that is not root's");
  assert.ok(all.findIndex(([name]) => name === "USER") < all.findIndex(([name]) => name === "ENTRYPOINT"));
  assert.match(last("HEALTHCHECK"), /CMD \[.*\/health/);
  assert.ok(toWords(last("HEALTHCHECK").replace(/^.*CMD /, "")).length === 3);
  assert.equal(last("STOPSIGNAL"), "SIGTERM");
  assert.deepEqual(toWords(last("VOLUME")), ["/data", "/config"]);
  assert.ok(all.every(([name, rest]) => name !== "ENV" || !/key|token|secret/i.test(rest)), "no secret is baked in");
});

Deno.test("the container has the program's own permissions, its Deno, and every file that it needs", async () => {
  const all = await readInstructions();
  const entry = toWords(all.find(([name]) => name === "ENTRYPOINT")?.[1] ?? "[]");
  assert.deepEqual(entry, ["deno", ...await startFlags(), "main.ts"]);
  const image = all.find(([name]) => name === "FROM")?.[1] ?? "";
  const contributing = await Deno.readTextFile(new URL("CONTRIBUTING.md", repository));
  assert.ok(contributing.includes(`Deno ${/[\d.]+$/.exec(image)?.[0]} installed`), image);
  const copied = all.filter(([name]) => name === "COPY").flatMap(([, rest]) => rest.split(" ").slice(0, -1));
  for (const path of copied) await Deno.stat(new URL(path, repository));
  for (const path of ["src", "plugins", "console", "config", "deno.json", "deno.lock", "main.ts"]) {
    assert.ok(copied.includes(path), path);
  }
});

Deno.test("compose gives the container no more than it needs", async () => {
  const schema = z.object({
    services: z.object({
      nexo: z.object({
        read_only: z.literal(true),
        cap_drop: z.tuple([z.literal("ALL")]),
        security_opt: z.tuple([z.literal("no-new-privileges:true")]),
        ports: z.array(z.string()),
      }),
    }),
  });
  const { services } = schema.parse(parse(await Deno.readTextFile(new URL("compose.yaml", repository))));
  const admin = services.nexo.ports.filter((port) => port.endsWith(":9091"));
  assert.deepEqual(admin, ["127.0.0.1:9091:9091"], "the console stays on the host");
});
