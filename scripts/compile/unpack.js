// Runs once, at the first start of the self-extracting executable: puts the program's files into place.
import { brotliDecompressSync } from "node:zlib";

const [folder] = Deno.args;
const packed = brotliDecompressSync(Deno.readFileSync(`${folder}/program.br`));
const headEnd = packed.indexOf(10);
const files = JSON.parse(new TextDecoder().decode(packed.subarray(0, headEnd)));
Deno.mkdirSync(`${folder}/program`);
let at = headEnd + 1;
for (const { name, sizeBytes } of files) {
  Deno.writeFileSync(`${folder}/program/${name}`, packed.subarray(at, at += sizeBytes));
}
Deno.removeSync(`${folder}/program.br`);
