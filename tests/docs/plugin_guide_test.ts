import assert from "node:assert/strict";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { listBlocks, readPages, repository } from "./pages.ts";

/** The blocks of the guide that are files, by the path that their first line names. */
async function readFiles(): Promise<ReadonlyMap<string, string>> {
  const page = (await readPages()).find(({ path }) => path === "docs/plugins.md") ?? assert.fail("no guide");
  return new Map(
    listBlocks(page).flatMap(({ text }) => {
      const path = /^(?:\/\/|#) (\S+)\n/.exec(text)?.[1];
      return path === undefined ? [] : [[path, text]];
    }),
  );
}

async function copyTree(from: URL, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(from)) await copyTree(new URL(`${from.href}/${name}`), `${to}/${name}`);
}

/** Parrot as the guide describes it. */
function openParrot() {
  const waiting: { readonly number: number; readonly room: string; readonly from: string; readonly text: string }[] =
    [];
  const said = new Map<string, { readonly room: string; readonly text: string }>();
  const heard = Promise.withResolvers<void>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    if (request.headers.get("authorization") !== "Bearer polly") return new Response(null, { status: 401 });
    if (request.method === "POST") {
      const { key, room, text } = await request.json();
      said.set(key, { room, text });
      heard.resolve();
      return Response.json({ id: key });
    }
    const after = Number(new URL(request.url).searchParams.get("after"));
    const rest = waiting.filter(({ number }) => number > after);
    waiting.splice(0, waiting.length, ...rest);
    if (rest.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    return Response.json(rest);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    waiting,
    said,
    heard: heard.promise,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("whoever follows the plugin guide has a plugin that type-checks and answers", async () => {
  await using checkout = await openTempDir();
  for (const name of ["src", "plugins", "console", "scripts", "config", "main.ts", "deno.json", "deno.lock"]) {
    await copyTree(new URL(name, repository), `${checkout.path}/${name}`);
  }
  const files = await readFiles();
  const registryPath = "src/app/registry.ts";
  for (const [path, text] of files) {
    if (!path.startsWith("plugins/")) continue;
    await Deno.mkdir(`${checkout.path}/plugins/parrot`, { recursive: true });
    await Deno.writeTextFile(`${checkout.path}/${path}`, text);
  }
  // The two lines of the registry: an import, and the list in the place of the one that is there.
  const [, added = "", list = ""] =
    /^(import .*)$[\s\S]*^(export const plugins.*)$/m.exec(files.get(registryPath) ?? "") ??
      assert.fail("the guide does not show the registry");
  const registry = await Deno.readTextFile(`${checkout.path}/${registryPath}`);
  const changed = registry.replace(/^export const plugins.*$/m, list);
  assert.notEqual(changed, registry);
  await Deno.writeTextFile(`${checkout.path}/${registryPath}`, `${added}\n${changed}`);

  for (
    const args of [["fmt", "--check", "plugins/parrot"], ["lint", "plugins/parrot"], [
      "check",
      "main.ts",
      "plugins/parrot",
    ]]
  ) {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: checkout.path }).output();
    assert.ok(success, `deno ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  }

  await using parrot = openParrot();
  await using model = openFakeModel();
  const config = newTestConfig({
    modelUrl: model.baseUrl,
    agent: { inbound_bindings: [{ plugin: "parrot", instance: "jungle", open: true }] },
  });
  const yaml = files.get("config/plugins/parrot.yaml") ?? assert.fail("the guide does not show its config");
  parrot.waiting.push({ number: 1, room: "tree", from: "eva", text: "hello parrot" });
  await using nexo = await startNexo({
    config: { ...config, "plugins/parrot.yaml": yaml.replace(/http:\S+/, parrot.url) },
    env: { PARROT_TOKEN: "polly" },
    entry: new URL(`file://${checkout.path}/main.ts`),
  });
  await parrot.heard;
  await nexo.idle();
  const [[, said] = assert.fail("nothing was said")] = parrot.said;
  assert.equal(said.room, "tree");
  assert.match(said.text, /hello parrot/);
  assert.deepEqual(parrot.waiting, []);
});
