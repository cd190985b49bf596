import assert from "node:assert/strict";
import { toRunArgs } from "../../scripts/npm_programs.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { startNexo } from "../fixtures/nexo_process.ts";
import { openTokenDoor } from "./token_door.ts";

const repository = new URL("../../", import.meta.url).pathname;

/** Scenarios of the client's side that do not apply, and why. */
const notOfOurClient: Readonly<Record<string, string>> = {
  "auth/2025-03-26-oauth-metadata-backcompat":
    "its login server names a wrong issuer, which RFC 8414 §3.3 has us refuse",
  "auth/client-credentials-jwt": "an extension: there is no option for clients that sign with a key",
  "auth/cross-app-access-complete-flow": "an extension: there is no option for the tokens of an identity provider",
};

/** Scenarios of the server's side that do not apply, and why. */
const notOfOurServer: Readonly<Record<string, string>> = {
  "logging-set-level": "we send programs no log",
  "tools-call-with-logging": "we send programs no log",
  "completion-complete": "no argument of our tools has values to choose from",
  "tools-call-audio": "no tool of ours gives audio",
  "tools-call-embedded-resource": "no tool of ours gives resources",
  "tools-call-mixed-content": "no tool of ours gives resources",
  "tools-call-sampling": "we have models of our own",
  "tools-call-elicitation": "a tool of ours asks nobody",
  "elicitation-sep1034-defaults": "a tool of ours asks nobody",
  "elicitation-sep1330-enums": "a tool of ours asks nobody",
  "server-sse-polling": "a call ends with its connection: there is no event store to go on from",
  "resources-list": "we serve tools alone",
  "resources-read-text": "we serve tools alone",
  "resources-read-binary": "we serve tools alone",
  "resources-templates-read": "we serve tools alone",
  "resources-subscribe": "we serve tools alone",
  "resources-unsubscribe": "we serve tools alone",
  "prompts-list": "we serve tools alone",
  "prompts-get-simple": "we serve tools alone",
  "prompts-get-with-args": "we serve tools alone",
  "prompts-get-embedded-resource": "we serve tools alone",
  "prompts-get-with-image": "we serve tools alone",
};

/** Scenarios of the newest suite. */
async function listScenarios(side: "Client" | "Server"): Promise<readonly string[]> {
  const { text } = await runSuite(["list"]);
  const part = text.split(`${side} scenarios`)[1]?.split(/\n\n/)[0] ?? "";
  return [...part.matchAll(/^ {2}- (\S+)/gm)].map(([, name = ""]) => name);
}

async function runSuite(args: readonly string[]) {
  const results = await Deno.makeTempDir({ prefix: "conformance-" });
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...toRunArgs("conformance", ...args)],
    cwd: results,
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).output();
  await Deno.remove(results, { recursive: true });
  const decoder = new TextDecoder();
  return { success, text: `${decoder.decode(stdout)}\n${decoder.decode(stderr)}` };
}

/** Runs scenarios, a few at once. Gives those that did not pass, with what the suite says. */
async function findFailures(scenarios: readonly string[], toArgs: (scenario: string) => readonly string[]) {
  const queue = [...scenarios];
  const failures: string[] = [];
  await Promise.all(Array.from({ length: 3 }, async () => {
    for (let scenario = queue.shift(); scenario !== undefined; scenario = queue.shift()) {
      const { success, text } = await runSuite(toArgs(scenario));
      if (!success) failures.push(`${scenario}: ${text.slice(-1_500)}`);
    }
  }));
  return failures;
}

Deno.test("our client passes every scenario of the conformance suite that applies", async () => {
  const all = await listScenarios("Client");
  assert.deepEqual(Object.keys(notOfOurClient).filter((name) => !all.includes(name)), []);
  const scenarios = all.filter((name) => !(name in notOfOurClient));
  assert.ok(scenarios.length >= 23);
  const command =
    `${Deno.execPath()} run --quiet --allow-all --no-prompt --cached-only --config ${repository}deno.json ` +
    `${repository}tests/mcp/conformance_client.ts`;
  const failures = await findFailures(
    scenarios,
    (scenario) => ["client", "--command", command, "--scenario", scenario],
  );
  assert.deepEqual(failures, []);
});

Deno.test("our server passes every scenario of the conformance suite that applies", async () => {
  const all = await listScenarios("Server");
  assert.deepEqual(Object.keys(notOfOurServer).filter((name) => !all.includes(name)), []);
  const scenarios = all.filter((name) => !(name in notOfOurServer));
  assert.ok(scenarios.length >= 10);
  await using model = openFakeModel();
  await using nexo = await startNexo({
    entry: new URL("conformance_server.ts", import.meta.url),
    config: {
      ...newTestConfig({ modelUrl: model.baseUrl, agent: { allowed_tools: ["*"] } }),
      "mcp.yaml": { serve: { tools: ["*"] } },
    },
  });
  // The suite brings no token.
  await using door = openTokenDoor(new URL(nexo.admin), nexo.token);
  const url = `http://localhost:${door.port}/mcp`;
  const failures = await findFailures(scenarios, (scenario) => ["server", "--url", url, "--scenario", scenario]);
  assert.deepEqual(failures, []);
});
