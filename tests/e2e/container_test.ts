import assert from "node:assert/strict";
import { readInstructions, toWords } from "../fixtures/dockerfile.ts";
import { findDenoDir } from "../fixtures/mcp_programs.ts";
import { openTempDir } from "../fixtures/nexo_process.ts";

const repository = new URL("../../", import.meta.url).pathname;

/** `words` as a shell reads them. */
function toCommand(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}

Deno.test("what the image holds starts as nobody on a read-only root, is found healthy, answers, and stops in order", async () => {
  await using folder = await openTempDir();
  for (const name of ["data", "config"]) await Deno.mkdir(`${folder.path}/${name}`);
  const all = await readInstructions();
  const last = (name: string) => all.findLast(([one]) => one === name)?.[1] ?? assert.fail(`no ${name}`);
  const files = all.filter(([name]) => name === "COPY").flatMap(([, rest]) => rest.split(" ").slice(0, -1));
  const env = Object.fromEntries(
    all.filter(([name]) => name === "ENV").flatMap(([, rest]) =>
      rest.split(" ").map((pair) => pair.split("=")).map(([name = "", value = ""]) => [name, value])
    ),
  );
  const start = toCommand([...toWords(last("ENTRYPOINT")), ...toWords(last("CMD"))]);
  const agent = toCommand(toWords(last("ENTRYPOINT")));
  const healthy = toCommand(toWords(last("HEALTHCHECK").replace(/^.*CMD /, "")));
  const script = `${agent} setup agent --id ana --language en || exit 9
    ${start} & until ${healthy} 2> /dev/null; do sleep 0.1; done
    ${agent} status && echo 'What is 6 * 7?' | ${agent} chat ana && touch /data/written && ! touch /opt/nexo/written
    answered=$?; kill $!; wait $! && exit $answered`;

  const system = ["--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc", "--proc", "/proc", "--dev", "/dev"];
  const links = ["bin", "lib", "lib64"].flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]);
  const image = files.flatMap((name) => ["--ro-bind", repository + name, `${last("WORKDIR")}/${name}`]);
  const deno = ["--ro-bind", Deno.execPath(), "/image/deno", "--ro-bind", await findDenoDir(), env["DENO_DIR"] ?? ""];
  const own = ["data", "config"].flatMap((name) => ["--bind", `${folder.path}/${name}`, `/${name}`]);
  const walls = ["--tmpfs", "/tmp", "--remount-ro", "/", "--unshare-all", "--die-with-parent", "--cap-drop", "ALL"];
  const user = ["--uid", last("USER"), "--gid", last("USER"), "--chdir", last("WORKDIR"), "--clearenv"];
  const variables = Object.entries({ ...env, PATH: "/image:/usr/bin", HOME: "/data" })
    .flatMap(([name, value]) => ["--setenv", name, value]);

  const { code, stdout, stderr } = await new Deno.Command("timeout", {
    args: [
      "60",
      "bwrap",
      ...system,
      ...links,
      ...image,
      ...deno,
      ...own,
      ...walls,
      ...user,
      ...variables,
      "sh",
      "-c",
      script,
    ],
  }).output();
  const [said, complained] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.equal(code, 0, `${said}\n${complained}`);
  assert.match(said ?? "", /42/);
  assert.ok((await Deno.stat(`${folder.path}/config/nexo/agents.yaml`)).isFile);
  assert.ok((await Deno.stat(`${folder.path}/data/ledger.db`)).isFile);
});
