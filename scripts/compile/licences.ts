/**
 * The licences of everything that the program is built from, as one text.
 *
 * @param root Absolute path of the folder with deno.json.
 * @throws {Error} when Deno cannot tell what the program imports, or a package's licence has no text here.
 */
export async function gatherLicences(root: string): Promise<string> {
  const own = await Deno.readTextFile(`${root}/LICENSE`);
  const packages = Object.entries(await listPackages(root)).sort();
  const read = await Promise.all(packages.map(([name, { localPath }]) => readPackage(name, localPath)));
  const found = read.filter((one) => one !== undefined);
  const usual = {
    MIT: own.slice(own.indexOf("Permission is hereby granted")),
    Apache: found.find(({ text }) => text?.includes("TERMS AND CONDITIONS FOR USE, REPRODUCTION"))?.text ?? "",
  };
  const parts = [
    own,
    `Deno (https://deno.com), on which it runs\n\nMIT License\n\nCopyright 2018-2026 the Deno authors\n\n${usual.MIT}`,
    ...found.map(({ name, text, licence, author }) => {
      if (text !== undefined) return `${name}\n\n${text}`;
      const words = licence.includes("MIT") ? usual.MIT : licence.includes("Apache") ? usual.Apache : "";
      if (words === "") throw new Error(`${name} comes without the text of its licence, ${licence}`);
      return `${name}\n\nLicence: ${licence}. Copyright: ${author}\n\n${words}`;
    }),
  ];
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

/** What is read here of a package.json. */
interface Manifest {
  readonly license?: string;
  readonly author?: string | { readonly name: string };
  /** Systems that it has native code for. */
  readonly os?: readonly string[];
}

interface PackageLicence {
  readonly name: string;
  readonly licence: string;
  readonly author: string;
  /** The licence in its own folder. */
  readonly text: string | undefined;
}

/** Absent where it is not in the bundle: not installed, being for another system, or native code of others. */
async function readPackage(name: string, folder: string): Promise<PackageLicence | undefined> {
  try {
    const manifest: Manifest = JSON.parse(await Deno.readTextFile(`${folder}/package.json`));
    if (manifest.os !== undefined && !name.startsWith("sqlite-vec-")) return undefined;
    const author = typeof manifest.author === "object" ? manifest.author.name : manifest.author;
    return {
      name,
      licence: manifest.license ?? "not stated",
      author: author ?? `the authors of ${name}`,
      text: await readLicence(folder),
    };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function readLicence(folder: string): Promise<string | undefined> {
  const files = (await Array.fromAsync(Deno.readDir(folder))).filter(({ isFile }) => isFile).map(({ name }) => name);
  const texts = await Promise.all(
    files.filter((name) => /^(?:licen[cs]e|copying|notice)/i.test(name)).sort()
      .map((name) => Deno.readTextFile(`${folder}/${name}`)),
  );
  // Some name their licence in a file, and have its text nowhere.
  return texts.some((text) => text.length > 300) ? texts.join("\n\n") : undefined;
}
