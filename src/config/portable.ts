import { isMap, isPair, isScalar, isSeq, parseDocument, type Scalar, visit } from "yaml";
import type { PluginSchema } from "./config.ts";
import { agentsDir, listConfigFolder } from "./files.ts";
import type { Path } from "./path.ts";
import { toFileShapes } from "./schemas.ts";
import { type Shape, shapeAt } from "./shape.ts";

/** A config file that may be given away. */
export interface PortableFile {
  /** Path in the config folder. */
  readonly name: string;
  readonly text: string;
  /** Settings whose value was taken out; a reference to an environment variable stands in its place. */
  readonly secrets: readonly string[];
}

/** Keys whose values are secret, whatever the schema knows of them. */
const secretKey = /token|secret|passw|api_?key|authorization|credential|private_?key/i;

/**
 * Every file of a config folder with references in the place of secrets that are written there. References stay: what
 * they name is not in the folder, or in files that nobody lists.
 */
export async function readPortableConfig(
  dir: string,
  plugins: readonly PluginSchema[],
  redact: (text: string) => string,
): Promise<readonly PortableFile[]> {
  const shapes = toFileShapes(plugins);
  const { files, strangers } = await listConfigFolder(dir);
  return await Promise.all([...files, ...strangers].map(async (name): Promise<PortableFile> => {
    const shape = shapes.get(name.startsWith(`${agentsDir}/`) ? "agents.yaml" : name) ?? {};
    const { text, secrets } = withoutSecrets(await Deno.readTextFile(`${dir}/${name}`), shape);
    // What looks like a key in a comment is one.
    return { name, text: redact(text), secrets };
  }));
}

/** A file's text with `${…}` in the place of each secret that stands in it, and the settings that were. */
export function withoutSecrets(text: string, shape: Shape): { readonly text: string; readonly secrets: string[] } {
  const document = parseDocument(text);
  const found: { readonly path: Path; readonly scalar: Scalar }[] = [];
  visit(document, {
    Scalar(key, scalar, ancestors) {
      if (key === "key" || typeof scalar.value === "object" || scalar.value === null) return;
      const path = toPath(ancestors, scalar);
      const name = path.findLast((step) => typeof step === "string") ?? "";
      const isSecret = shapeAt(shape, path)?.secret === true ||
        typeof scalar.value === "string" && secretKey.test(String(name));
      if (isSecret && isLiteral(String(scalar.value))) found.push({ path, scalar });
    },
  });
  const secrets = found.map(({ path }) => path.join("."));
  // From the end, so that places before stay where they are.
  let portable = text;
  for (const { path, scalar } of found.toReversed()) {
    const [from = 0, to = 0] = scalar.range ?? [];
    const variable = path.join("_").toUpperCase().replace(/[^A-Z0-9]+/g, "_");
    portable = `${portable.slice(0, from)}"\${${variable}}"${portable.slice(to)}`;
  }
  return { text: portable, secrets };
}

/** Neither empty nor a word for "no key", nor a reference. */
function isLiteral(value: string): boolean {
  return value !== "" && value !== "none" && !value.includes("${");
}

function toPath(ancestors: readonly unknown[], scalar: Scalar): Path {
  const path: (string | number)[] = [];
  for (const [index, ancestor] of ancestors.entries()) {
    const child = ancestors[index + 1] ?? scalar;
    if (isPair(ancestor)) path.push(isScalar(ancestor.key) ? String(ancestor.key.value) : "");
    else if (isSeq(ancestor)) path.push(ancestor.items.indexOf(child));
    else if (isMap(ancestor)) continue;
  }
  return path;
}
