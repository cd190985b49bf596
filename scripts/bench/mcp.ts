import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { newTool, openRoom } from "../../tests/agent/room.ts";
import { findDenoDir } from "../../tests/fixtures/mcp_programs.ts";
import { percentile } from "../../tests/fixtures/load.ts";
import { openMcpFixture } from "../../tests/mcp/mcp_room.ts";
import type { Figure } from "./figure.ts";

const rounds = 2_000;
const turns = 200;
const text = "x".repeat(950);

/** What our side adds to a call of a tool over stdio, and what a thousand registered tools add to a turn. */
export async function measureMcp(): Promise<readonly Figure[]> {
  return [...await measureCalls(), ...await measureTurns()];
}

/** The same server twice, once called by the bare library and once as a tool of ours, turn and turn about. */
async function measureCalls(): Promise<readonly Figure[]> {
  const root = await Deno.realPath(new URL("../../", import.meta.url).pathname);
  const args = ["run", "--quiet", "--allow-all", "--cached-only", "--config", `${root}/deno.json`];
  args.push(`${root}/scripts/bench/mcp_echo.ts`);
  const denoDir = await findDenoDir();
  const bare = new Client({ name: "bench", version: "1.0.0" });
  await bare.connect(
    new StdioClientTransport({ command: Deno.execPath(), args, env: { DENO_DIR: denoDir }, stderr: "ignore" }),
  );
  await using mcp = await openMcpFixture({
    echo: { command: Deno.execPath(), args, env: { DENO_DIR: denoDir }, read: [denoDir, root] },
  });
  await mcp.untilUp("echo");
  const [bareMs, oursMs]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    bareMs.push(await time(() => bare.callTool({ name: "echo", arguments: { text } })));
    oursMs.push(await time(() => mcp.call("mcp_echo_echo", { text })));
  }
  await bare.close();
  const [bareP50, oursP50] = [bareMs, oursMs].map((values) => percentile(values.slice(rounds / 10), 0.5));
  return [
    { part: "mcp", name: "stdio call, bare library p50", value: bareP50 ?? 0, unit: "ms" },
    { part: "mcp", name: "stdio call, our tool p50", value: oursP50 ?? 0, unit: "ms" },
    {
      part: "mcp",
      name: "stdio call, added p50",
      value: (oursP50 ?? 0) - (bareP50 ?? 0),
      unit: "ms",
      target: { atMost: 1 },
    },
  ];
}

/** Turns of an agent with no tools and of one with a thousand, turn and turn about. */
async function measureTurns(): Promise<readonly Figure[]> {
  const many = Array.from({ length: 1_000 }, (_, index) => newTool(`mcp_s_tool${index}`, { lazy: true }));
  await using few = await openRoom({ agents: [{ allowed_tools: ["*"] }] });
  await using full = await openRoom({ agents: [{ allowed_tools: ["*"] }], tools: many });
  const [fewMs, fullMs]: [number[], number[]] = [[], []];
  for (let turn = 1; turn <= turns; turn++) {
    for (const [room, values] of [[few, fewMs], [full, fullMs]] as const) {
      values.push(
        await time(async () => {
          await room.say(`message ${turn}`, { conversation: `c${turn}` });
          await room.untilSent(turn);
        }),
      );
    }
  }
  const added = percentile(fullMs.slice(turns / 10), 0.5) - percentile(fewMs.slice(turns / 10), 0.5);
  return [{ part: "mcp", name: "1,000 tools, added to a turn p50", value: added, unit: "ms", target: { atMost: 5 } }];
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}
