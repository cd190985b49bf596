import assert from "node:assert/strict";
import { toAppError } from "../../src/core/error.ts";
import { bareSystem } from "../child/children.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";
import { rejectsWith } from "../fixtures/rejects_with.ts";
import { openExtensionWorld, textOf, toManifest, toModule } from "./world.ts";

const echo = {
  "plugin.toml": toManifest("echo", ["say"]),
  "main.ts": toModule({ say: "return `you said ${input.text}`;" }),
};

Deno.test("an extension that was found runs only once it is enabled, and goes when it is disabled", async () => {
  await using world = await openExtensionWorld();
  await world.write("echo", echo);
  const room = await world.open();
  assert.equal(world.view("echo").state, "off");
  assert.match(world.view("echo").reason ?? "", /agent ext enable echo/);
  assert.deepEqual(room.tools.current, []);
  assert.deepEqual(room.status(), []);

  const view = await world.enable("echo");
  assert.deepEqual(view.tools, ["ext_echo_say"]);
  assert.deepEqual(view.confinement, { kind: "deno" });
  const result = await world.call("ext_echo_say", { text: "hello" });
  assert.equal(textOf(result), "you said hello");
  assert.equal(result.untrusted, true);
  assert.deepEqual(room.status(), [{ name: "extension.echo", state: "ok", critical: false }]);
  assert.equal(world.metrics.valueOf("nexo_extension_up", { extension: "echo" }), 1);

  await room.disable("echo");
  assert.deepEqual(room.tools.current, []);
  assert.equal(world.metrics.writesOf("nexo_extension_up", { extension: "echo" }), 0, "it counts no more as down");
  assert.equal(world.view("echo").state, "off");
});

Deno.test("an extension that is enabled is up when the process has started again", async () => {
  await using world = await openExtensionWorld();
  await world.write("echo", echo);
  await world.open();
  await world.enable("echo");
  const room = await world.open();
  assert.deepEqual(room.tools.current.map(({ name }) => name), ["ext_echo_say"]);
});

Deno.test("what is missing, or a fault, skips that one extension with the reason", async () => {
  await using world = await openExtensionWorld();
  await world.write("echo", echo);
  await world.write("broken", { "plugin.toml": "id = " });
  await world.write("thirsty", {
    "plugin.toml": toManifest("thirsty", ["say"], '[requires]\nenv = ["NEXO_NO_SUCH_KEY"]\n'),
    "main.ts": echo["main.ts"],
  });
  await world.write("lonely", {
    "plugin.toml": toManifest("lonely", ["say"], '[requires]\nbins = ["no-such-program"]\n'),
    "main.ts": echo["main.ts"],
  });
  await world.write("foreign", {
    "plugin.toml": toManifest("foreign", ["say"], '[requires]\nos = ["windows"]\n'),
    "main.ts": echo["main.ts"],
  });
  await world.open();
  const notUp = ({ reason }: { readonly reason?: string }) => /It needs/.test(reason ?? "");
  assert.match((await world.enable("thirsty", notUp)).reason ?? "", /It needs NEXO_NO_SUCH_KEY\. Set it/);
  assert.match((await world.enable("lonely", notUp)).reason ?? "", /It needs the program no-such-program/);
  assert.match((await world.enable("foreign", notUp)).reason ?? "", /It needs windows/);
  assert.match(world.view("broken").reason ?? "", /plugin\.toml:1/);
  assert.equal((await world.enable("echo")).state, "up");
});

Deno.test("a variable reaches an extension only where its manifest names it", async () => {
  await using world = await openExtensionWorld({ env: { CITY: "Lima", OTHER: "hidden-value" } });
  const env =
    'return JSON.stringify(["CITY", "PATH", "OTHER"].map((name) => { try { return Deno.env.get(name) ?? null } catch { return "refused" } }));';
  await world.write("echo", {
    "plugin.toml": toManifest("echo", ["env"], '[permissions]\nenv = ["CITY"]\n'),
    "main.ts": toModule({ env }),
  });
  await world.open();
  await world.enable("echo");
  assert.equal(textOf(await world.call("ext_echo_env", {})), '["Lima","refused","refused"]');
});

Deno.test("a changed file reloads that one extension and leaves the others alone", async () => {
  await using world = await openExtensionWorld();
  await world.write("echo", echo);
  await world.write("other", {
    "plugin.toml": toManifest("other", ["pid"]),
    "main.ts": toModule({ pid: "return String(Deno.pid);" }),
  });
  const room = await world.open();
  await world.enable("echo");
  await world.enable("other");
  const before = textOf(await world.call("ext_other_pid", {}));
  await world.write("echo", {
    "plugin.toml": toManifest("echo", ["say", "shout"]),
    "main.ts": toModule({ say: "return 'new';", shout: "return 'NEW';" }),
  });
  await world.until("echo", ({ state, tools }) => state === "up" && tools.includes("ext_echo_shout"));
  assert.equal(textOf(await world.call("ext_echo_say", {})), "new");
  assert.equal(textOf(await world.call("ext_other_pid", {})), before);
  assert.equal(room.tools.current.length, 3);
});

Deno.test("an extension that asks for more than was agreed to stops until that is agreed to", async () => {
  await using world = await openExtensionWorld();
  await world.write("echo", echo);
  await world.open();
  await world.enable("echo");
  await world.write("echo", { "plugin.toml": toManifest("echo", ["say"], '[permissions]\nnet = ["*"]\n') });
  const view = await world.until("echo", ({ state }) => state === "off");
  assert.match(view.reason ?? "", /asks for something else than what was agreed to/);
  assert.equal((await world.enable("echo")).state, "up");
});

Deno.test("enabling names what was seen: another content is refused", async () => {
  await using world = await openExtensionWorld();
  await world.write("echo", echo);
  const room = await world.open();
  await rejectsWith("conflict", room.enable("echo", "0".repeat(64)));
  await rejectsWith("missing", room.enable("nobody", "0".repeat(64)));
});

Deno.test("an extension that dies is started again, and its new tools are seen", async () => {
  await using world = await openExtensionWorld();
  await world.write("echo", {
    "plugin.toml": toManifest("echo", ["die", "more"]),
    "main.ts": `import { serveExtension } from "nexo";
      const tool = (run: () => unknown) => ({ description: "", input_schema: { type: "object" }, run });
      let again = true;
      try { Deno.statSync("was-here"); } catch { again = false; }
      Deno.writeTextFileSync("was-here", "");
      await serveExtension({ tools: { die: tool(() => Deno.exit(7)), ...(again ? { more: tool(() => "more") } : {}) } });`,
  });
  await world.open();
  await world.enable("echo", ({ state }) => state === "degraded");
  assert.match(world.view("echo").reason ?? "", /does not offer the tool more/);
  const error = await rejectsWith("unavailable", world.call("ext_echo_die", {}));
  assert.match(error.message, /code 7/);
  const view = await world.until("echo", ({ state }) => state === "up");
  assert.equal(view.restarts, 1);
  assert.deepEqual(view.tools, ["ext_echo_die", "ext_echo_more"]);
  assert.equal(textOf(await world.call("ext_echo_more", {})), "more");
});

Deno.test("an extension that ends again and again is given up after five restarts, until it is enabled anew", async () => {
  const clock = newFakeClock();
  await using world = await openExtensionWorld({ clock });
  await world.write("echo", { "plugin.toml": toManifest("echo", ["say"]), "main.ts": "throw new Error('no luck');" });
  const opening = world.open();
  await clock.untilWaiting(1);
  await opening;
  const enabling = world.enable("echo", ({ state }) => state === "down");
  let over = false;
  enabling.finally(() => over = true);
  while (!over) {
    // One start takes longer than this; the wait after it is what moving the clock ends.
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (world.view("echo").state === "restarting") await clock.advance(16_000);
  }
  const view = await enabling;
  assert.equal(view.restarts, 5);
  assert.match(view.reason ?? "", /ended 6 times in 5 minutes.*no luck.*agent ext enable echo/);
  assert.equal((await world.enable("echo", ({ state }) => state !== "down")).restarts, 0);
});

Deno.test("a tool that fails says so to the model; a call that takes too long is cancelled", async () => {
  await using world = await openExtensionWorld();
  await world.write("echo", {
    "plugin.toml": toManifest("echo", ["fail", "wait", "waited"], '[limits]\ncall = "2s"\n'),
    "main.ts": `let stopped = 0;\n${
      toModule({
        fail: "throw new Error('no such city');",
        wait: "await new Promise((done) => call.signal.addEventListener('abort', () => { stopped++; done(); }));",
        waited: "return String(stopped);",
      })
    }`,
  });
  await world.open();
  await world.enable("echo");
  const failed = await world.call("ext_echo_fail", {});
  assert.equal(failed.isError, true);
  assert.equal(textOf(failed), "no such city");
  await rejectsWith("timeout", world.call("ext_echo_wait", {}));
  const left = new AbortController();
  const call = world.call("ext_echo_wait", {}, left.signal);
  left.abort();
  await assert.rejects(call);
  assert.equal(textOf(await world.call("ext_echo_waited", {})), "2");
  assert.equal(world.view("echo").state, "up");
});

Deno.test("a program in any language is an extension, behind bubblewrap where there is one", async () => {
  for (const system of [undefined, bareSystem]) {
    await using world = await openExtensionWorld(system === undefined ? {} : { system });
    await world.write("sh", {
      "plugin.toml":
        `id = "sh"\nversion = "1.0.0"\n[transport]\ntype = "stdio"\ncommand = "./main.sh"\n[[tools]]\nname = "id"\n`,
      "main.sh": `#!/bin/sh
        read line; echo '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"id","description":"d"}]}}'
        while read line; do echo '{"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"here"}]}}'; done`,
    });
    await world.open();
    const { confinement } = await world.enable("sh");
    assert.equal(confinement?.kind, system === undefined ? "bubblewrap" : "unconfined");
    assert.equal(textOf(await world.call("ext_sh_id", {})), "here");
  }
});

Deno.test("an extension's hook vetoes and changes, and a closed one stops what it cannot look at", async () => {
  await using world = await openExtensionWorld();
  const hooks = '[[hooks]]\non = "before_message"\non_failure = "closed"\n';
  await world.write("guard", {
    "plugin.toml": toManifest("guard", [], hooks, "priority = -5"),
    "main.ts": toModule(
      {},
      `before_message: ({ text }) => text.includes("bomb") ? { veto: "no bombs" } : { change: { text: text.toUpperCase() } }`,
    ),
  });
  const room = await world.open();
  await world.enable("guard");
  const ask = async (text: string) => {
    const [hook] = room.hooks.current;
    assert.equal(hook?.on, "before_message");
    if (hook?.on !== "before_message") return;
    assert.deepEqual([hook.id, hook.priority, hook.onFailure, hook.deadlineMs], ["ext.guard", -5, "closed", 2_000]);
    const session = { agent: "ana", plugin: "console", instance: "ana", conversation: "1" };
    return await hook.run({ agent: "ana", session, text }, new AbortController().signal);
  };
  assert.deepEqual(await ask("a bomb"), { veto: "no bombs" });
  assert.deepEqual(await ask("hello"), { change: { text: "HELLO" } });
  await world.write("guard", { "main.ts": "Deno.exit(1)" });
  await world.until("guard", ({ state }) => state === "restarting");
  const error = toAppError(await ask("a bomb").catch((thrown) => thrown));
  assert.equal(error.kind, "unavailable");
});

Deno.test("what an extension was given is blanked out of what it says", async () => {
  await using world = await openExtensionWorld({ env: { API_KEY: 'top"secret"value' } });
  await world.write("echo", {
    "plugin.toml": toManifest("echo", ["leak"], '[permissions]\nenv = ["API_KEY"]\n'),
    "main.ts": toModule({
      leak: "const key = Deno.env.get('API_KEY'); logExtension('info', key); return `the key is ${key}`;",
    }),
  });
  await world.open();
  await world.enable("echo");
  assert.equal(textOf(await world.call("ext_echo_leak", {})), "the key is [redacted]");
  const said = await world.log.nextEntry(({ event }) => event === "extension.said", AbortSignal.timeout(60_000));
  assert.equal(said.fields["message"], "[redacted]");
});

Deno.test("a module that may start programs stands behind bubblewrap, and so do they", async () => {
  await using world = await openExtensionWorld();
  const run =
    "return new TextDecoder().decode(new Deno.Command(input.program, { args: input.args }).outputSync().stdout);";
  await world.write("runner", {
    "plugin.toml": toManifest("runner", ["run"], '[permissions]\nrun = ["cat"]\n'),
    "main.ts": toModule({ run }),
  });
  await world.open();
  const { confinement } = await world.enable("runner");
  assert.equal(confinement?.kind, "bubblewrap");
  const result = await world.call("ext_runner_run", { program: "cat", args: ["/etc/passwd", "/proc/self/comm"] });
  assert.equal(textOf(result), "cat\n");
  assert.equal((await world.call("ext_runner_run", { program: "ls", args: [] })).isError, true);
});
