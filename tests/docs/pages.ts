/** A page of the documentation. */
export interface Page {
  /** Path from the root of the repository. */
  readonly path: string;
  readonly url: URL;
  readonly text: string;
}

/** A fenced block of a page. */
export interface Block {
  /** Where it stands, for messages: `docs/mcp.md:12`. */
  readonly place: string;
  /** What stands after the fence, such as `sh`. */
  readonly language: string;
  /** Its text, without the indent of its fence. */
  readonly text: string;
}

/** Root of the repository. */
export const repository = new URL("../../", import.meta.url);

/** Every page: those at the root, and those of `docs`. */
export async function readPages(): Promise<readonly Page[]> {
  const paths = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];
  for await (const { name } of Deno.readDir(new URL("docs", repository))) {
    if (name.endsWith(".md")) paths.push(`docs/${name}`);
  }
  return await Promise.all(
    paths.sort().map(async (path) => {
      const url = new URL(path, repository);
      return { path, url, text: await Deno.readTextFile(url) };
    }),
  );
}

/** The fenced blocks of a page, in order. */
export function listBlocks({ path, text }: Page): readonly Block[] {
  return [...text.matchAll(/^( *)```(\w*)\n(.*?)^\1```$/gms)].map((
    { 1: indent = "", 2: language = "", 3: body = "", index },
  ) => ({
    place: `${path}:${text.slice(0, index).split("\n").length}`,
    language,
    text: body.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  }));
}

/** A page without its fenced blocks. */
export function withoutBlocks(text: string): string {
  return text.replace(/^ *```.*?^ *```$/gms, "");
}
