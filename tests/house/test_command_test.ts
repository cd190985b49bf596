import assert from "node:assert/strict";
import { formatCounts, listTests, toCounts } from "../../scripts/test.ts";

/** Runs `deno test` over one file of `text`. Gives its JUnit report. */
async function reportOf(text: string): Promise<{ report: string; succeeded: boolean }> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/a_test.ts`, text);
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--no-config", "--no-lock", `--junit-path=${folder}/report.xml`, `${folder}/a_test.ts`],
      stdout: "null",
      stderr: "null",
    }).output();
    return { report: await Deno.readTextFile(`${folder}/report.xml`), succeeded: success };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("passed, failed and skipped tests are counted from deno's own report", async () => {
  const { report, succeeded } = await reportOf(`
    Deno.test("good", () => {});
    Deno.test("named <failure> and <skipped/>", () => {});
    Deno.test("bad", () => { throw new Error("<testcase"); });
    Deno.test.ignore("left out", () => {});
  `);
  assert.deepEqual(toCounts(report, succeeded), { passed: 2, failed: 1, skipped: 1 });
});

Deno.test("a file that cannot be loaded counts as a failure", async () => {
  const { report, succeeded } = await reportOf(`throw new Error("broken");`);
  assert.deepEqual(toCounts(report, succeeded), { passed: 0, failed: 1, skipped: 0 });
});

Deno.test("the closing line names skipped tests only where there are any", () => {
  assert.equal(formatCounts({ passed: 12, failed: 0, skipped: 0 }), "12 passed, 0 failed");
  assert.equal(formatCounts({ passed: 12, failed: 1, skipped: 2 }), "12 passed, 1 failed, 2 skipped");
});

Deno.test("long tests run only where they are asked for", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/bus`);
    for (const name of ["b_test.ts", "bus/a_test.ts", "bus/soak_long_test.ts", "bus/helper.ts"]) {
      await Deno.writeTextFile(`${folder}/${name}`, "");
    }
    assert.deepEqual(await listTests(folder, false), [`${folder}/b_test.ts`, `${folder}/bus/a_test.ts`]);
    assert.deepEqual(await listTests(folder, true), [`${folder}/bus/soak_long_test.ts`]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
