import assert from "node:assert/strict";
import { mcpFileSchema } from "../../src/config/mcp.ts";
import { toToolNames } from "../../src/mcp/tool_names.ts";

Deno.test("names are prefixed, lower case, and of letters that every provider takes", () => {
  const names = toToolNames("my-files", ["read_file", "Get.Sum", "größe"]);
  assert.deepEqual([...names.values()].sort(), [
    "mcp_my_files_get_sum",
    "mcp_my_files_gr__e",
    "mcp_my_files_read_file",
  ]);
});

Deno.test("names that would be the same differ, whatever the order, and the exact one keeps its name", () => {
  const one = toToolNames("s", ["a_b", "a-b", "A-B"]);
  const other = toToolNames("s", ["A-B", "a-b", "a_b"]);
  assert.equal(new Set(one.values()).size, 3);
  assert.equal(one.get("a_b"), "mcp_s_a_b");
  assert.deepEqual(new Map([...one].sort()), new Map([...other].sort()));
});

Deno.test("long names end in a hash and stay within 64 characters", () => {
  const long = "x".repeat(100);
  const names = toToolNames("s".repeat(32), [`${long}1`, `${long}2`]);
  assert.ok([...names.values()].every((name) => name.length === 64));
  assert.equal(new Set(names.values()).size, 2);
});

Deno.test("a server whose tools a pattern for another would name is a fault", () => {
  const server = { url: "http://127.0.0.1:1/mcp" };
  const faulty = mcpFileSchema.safeParse({ servers: { a: server, "a-b": server } });
  assert.match(faulty.error?.issues[0]?.message ?? "", /begins like the server "a"/);
  assert.ok(mcpFileSchema.safeParse({ servers: { a: server, ab: server } }).success);
});
