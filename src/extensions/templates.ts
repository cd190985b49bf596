/** Languages that a new extension can be begun in. */
export const templateNames = ["ts", "python", "shell"] as const;

/** A language that a new extension can be begun in. */
export type TemplateName = (typeof templateNames)[number];

/** A file of a new extension. */
export interface TemplateFile {
  readonly path: string;
  readonly text: string;
  readonly executable: boolean;
}

/** The files of a new extension: a tool that works at once. */
export function toTemplate(template: TemplateName, id: string): readonly TemplateFile[] {
  const manifest = (transport: string, requires: string) => ({
    path: "plugin.toml",
    text: `id = "${id}"
version = "0.1.0"
description = "Greets people"
author = ""

[transport]
type = "stdio"
${transport}
${requires}
# What each tool does when it runs twice: none, idempotent or once.
[[tools]]
name = "greet"
effect = "none"

# Everything else is refused: hosts, absolute paths, names of variables, programs.
[permissions]
net = []
read = []
write = []
env = []
run = []
`,
    executable: false,
  });
  switch (template) {
    case "ts":
      return [
        manifest('runtime = "deno"\ncommand = "./main.ts"\n', ""),
        { path: "main.ts", text: typescriptMain, executable: false },
      ];
    case "python":
      return [
        manifest('command = "python3"\nargs = ["./main.py"]\n', '[requires]\nbins = ["python3"]\n'),
        { path: "main.py", text: pythonMain, executable: true },
      ];
    case "shell":
      return [manifest('command = "./main.sh"\n', ""), { path: "main.sh", text: shellMain, executable: true }];
  }
}

const typescriptMain = `import { serveExtension } from "nexo";

await serveExtension({
  tools: {
    greet: {
      description: "Greets somebody by name.",
      input_schema: {
        type: "object",
        properties: { name: { type: "string", maxLength: 100 } },
        required: ["name"],
      },
      run: ({ name }: { name: string }) => \`Hello, \${name}!\`,
    },
  },
});
`;

const pythonMain = `#!/usr/bin/env python3
"""JSON-RPC 2.0 on standard input and output, one message a line. Errors go to standard error."""
import json
import sys

TOOLS = [{
    "name": "greet",
    "description": "Greets somebody by name.",
    "input_schema": {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 100}},
        "required": ["name"],
    },
}]


def call(name, arguments):
    if name == "greet":
        return f"Hello, {arguments['name']}!"
    raise ValueError(f"There is no tool {name}")


def answer(method, params):
    if method == "initialize":
        return {"extension_id": params["extension_id"], "tools": TOOLS, "hooks": []}
    if method == "tools/list":
        return {"tools": TOOLS}
    if method == "tools/call":
        return call(params["name"], params["arguments"])
    raise ValueError(f"There is no {method}")


for line in sys.stdin:
    request = json.loads(line)
    if request["method"] == "shutdown":
        break
    if "id" not in request:
        continue
    reply = {"jsonrpc": "2.0", "id": request["id"]}
    try:
        reply["result"] = answer(request["method"], request.get("params", {}))
    except Exception as error:
        reply["error"] = {"code": -32000, "message": str(error)}
    print(json.dumps(reply), flush=True)
`;

const shellMain = `#!/bin/sh
# JSON-RPC 2.0 on standard input and output, one message a line, with nothing but a shell and sed.
# For input that is more than a word, jq is the better tool: add it to bins in [requires].
tools='[{"name":"greet","description":"Greets somebody by name.","input_schema":{"type":"object","properties":{"name":{"type":"string","maxLength":100}},"required":["name"]}}]'

while IFS= read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\\([0-9]*\\).*/\\1/p')
  method=$(printf '%s' "$line" | sed -n 's/.*"method":"\\([^"]*\\)".*/\\1/p')
  case $method in
    shutdown) exit 0 ;;
    initialize | tools/list) result="{\\"tools\\":$tools,\\"hooks\\":[]}" ;;
    tools/call)
      name=$(printf '%s' "$line" | sed -n 's/.*"arguments":{"name":"\\([^"\\\\]*\\)".*/\\1/p')
      result="\\"Hello, $name!\\""
      ;;
    *) continue ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\\n' "$id" "$result"
done
`;
