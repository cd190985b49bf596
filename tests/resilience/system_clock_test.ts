import assert from "node:assert/strict";
import { systemClock } from "../../src/lib/clock.ts";

Deno.test("system clock waits and leaves no timer when aborted", async () => {
  await systemClock.wait(1);
  const controller = new AbortController();
  const wait = systemClock.wait(60_000, controller.signal);
  controller.abort(new Error("stop"));
  await assert.rejects(wait, { message: "stop" });
  await assert.rejects(systemClock.wait(60_000, controller.signal), { message: "stop" });
});
