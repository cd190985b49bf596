/** Version of this release, as in deno.json: `--version`, status, and the label of the build metric. */
export const version = "0.1.0";
