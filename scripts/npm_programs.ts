/** Programs of npm that tests start and that no code imports, so that nobody who only runs agents downloads them. */
export const npmPrograms = {
  everything: "npm:@modelcontextprotocol/server-everything@2026.8.31",
  filesystem: "npm:@modelcontextprotocol/server-filesystem@2026.8.31",
  memory: "npm:@modelcontextprotocol/server-memory@2026.8.31",
  conformance: "npm:@modelcontextprotocol/conformance@0.1.16",
  inspector: "npm:@modelcontextprotocol/inspector@2.12.0",
} as const;

/** Hashes of all their packages: `deno cache --no-config --lock=scripts/npm_programs.lock NAMES` writes it. */
const lock = new URL("npm_programs.lock", import.meta.url).pathname;

/** Arguments for Deno with which a program is fetched. */
export function toFetchArgs(): readonly string[] {
  return ["cache", "--quiet", "--no-config", `--lock=${lock}`, "--frozen", ...Object.values(npmPrograms)];
}

/** Arguments for Deno with which a program runs that was fetched before. */
export function toRunArgs(program: keyof typeof npmPrograms, ...args: readonly string[]): readonly string[] {
  return [
    ...["run", "--quiet", "--allow-all", "--no-prompt", "--no-config", "--cached-only", `--lock=${lock}`, "--frozen"],
    ...[npmPrograms[program], ...args],
  ];
}
