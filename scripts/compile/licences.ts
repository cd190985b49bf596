/**
 * The licences of everything that the program is built from, as one text.
 *
 * @param root Absolute path of the folder with deno.json.
 * @throws {Error} when Deno cannot tell what the program imports.
 */
export async function gatherLicences(root: string): Promise<string> {
  const parts = [
    await Deno.readTextFile(`${root}/LICENSE`),
    "This program runs on Deno (https://deno.com), under the MIT licence. Copyright the Deno authors.",
  ];
  for (const [name, { localPath }] of Object.entries(await listPackages(root)).sort()) {
    const text = await readLicence(localPath);
    if (text !== undefined) parts.push(`${name}\n\n${text}`);
  }
  return parts.map((part) => part.trim()).join(`\n\n${"-".repeat(80)}\n\n`) + "\n";
}

/** What is read here of `deno info --json`. */
interface Graph {
  readonly npmPackages: Readonly<Record<string, { readonly localPath: string }>>;
}

async function listPackages(root: string): Promise<Graph["npmPackages"]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "main.ts"],
    cwd: root,
    stdin: "null",
  }).output();
  if (!success) throw new Error(`Cannot list the packages: deno info says ${new TextDecoder().decode(stderr)}`);
  const graph: Graph = JSON.parse(new TextDecoder().decode(stdout));
  return graph.npmPackages;
}

/** The licence in a package's folder. Absent where the package is for another platform, so that it is not installed. */
async function readLicence(folder: string): Promise<string | undefined> {
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (isFile && /^licen[cs]e/i.test(name)) return await Deno.readTextFile(`${folder}/${name}`);
    }
    const manifest: { readonly license?: string } = JSON.parse(await Deno.readTextFile(`${folder}/package.json`));
    return `Licence: ${manifest.license ?? "not stated"}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
