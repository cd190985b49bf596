// Runs at the first start of a self-extracting executable: puts the program's files into place, and takes away what
// releases before the last one have left in the same cache.
// deno-lint-ignore-file no-console -- the executable's user sees it
import { brotliDecompressSync } from "node:zlib";

/** Folders of releases, as the launcher names them. */
const release = /^\d+\.\d+\.\d+\S*-[0-9a-f]{16}$/;
/** No unpacking takes as long as this. */
const abandonedAfterMs = 3_600_000;

const [folder, home] = Deno.args;

function unpack() {
  const packed = brotliDecompressSync(Deno.readFileSync(`${folder}/program.br`));
  const headEnd = packed.indexOf(10);
  const files = JSON.parse(new TextDecoder().decode(packed.subarray(0, headEnd)));
  Deno.mkdirSync(`${folder}/program`);
  let at = headEnd + 1;
  for (const { name, sizeBytes } of files) {
    Deno.writeFileSync(`${folder}/program/${name}`, packed.subarray(at, at += sizeBytes));
  }
  Deno.removeSync(`${folder}/program.br`);
}

/** Keeps what runs, and the release that was used last: to go back, it is there. */
function tidy(cache, own) {
  const found = [...Deno.readDirSync(cache)].filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  const [, ...older] = found.filter((name) => release.test(name) && name !== own)
    .map((name) => ({ name, usedAt: lastUse(`${cache}/${name}`) }))
    .sort((a, b) => b.usedAt - a.usedAt);
  const running = new Set(listPrograms());
  const abandoned = found.filter((name) => name.startsWith(".unpacking.") && isAbandoned(cache, name));
  const unused = older.map(({ name }) => name).filter((name) => !running.has(Deno.realPathSync(`${cache}/${name}`)));
  for (const name of [...abandoned, ...unused]) Deno.removeSync(`${cache}/${name}`, { recursive: true });
}

/** Whether nobody is unpacking there any more: the shell that did, whose number is in the name, is gone. */
function isAbandoned(cache, name) {
  const [, , shell] = name.split(".");
  return !exists(`/proc/${shell}`) || Date.now() - lastChange(`${cache}/${name}`) > abandonedAfterMs;
}

function exists(path) {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function lastUse(path) {
  try {
    return lastChange(`${path}/used`);
  } catch {
    return 0; // never started
  }
}

function lastChange(path) {
  return Deno.statSync(path).mtime?.getTime() ?? 0;
}

/** Folders of the programs that processes of ours run. */
function listPrograms() {
  return [...Deno.readDirSync("/proc")].filter(({ name }) => /^\d+$/.test(name)).flatMap(({ name }) => {
    try {
      return [Deno.readLinkSync(`/proc/${name}/exe`).replace(/\/[^/]*$/, "")];
    } catch {
      return []; // over already, or somebody else's
    }
  });
}

try {
  unpack();
} catch (thrown) {
  console.error(`agent: Cannot unpack: ${thrown.message}`);
  Deno.exit(6); // as the launcher expects of what was explained
}
try {
  tidy(home.replace(/\/[^/]*$/, ""), home.replace(/^.*\//, ""));
} catch (thrown) {
  // Two first starts may tidy at once, and no start fails for it.
  if (!(thrown instanceof Deno.errors.NotFound)) console.error(`agent: Cannot tidy the cache: ${thrown.message}`);
}
