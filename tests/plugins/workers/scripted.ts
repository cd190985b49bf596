import { servePlugin } from "../../../src/sdk/worker.ts";
import { AppError } from "../../../src/core/error.ts";
import { scriptedConfigSchema } from "../scripted_plugin.ts";

/** A plugin that does what its config and the texts that it is sent say. */
servePlugin({
  config: scriptedConfigSchema,
  async open(host) {
    if (host.config.at_start === "throw") throw new AppError("denied", "the provider refused the token");
    if (host.config.at_start === "wait") await new Promise(() => {});
    host.report({ state: "up", identity: `@${host.instance}` });
    host.signal.addEventListener("abort", () => host.log.info("scripted.stopped"));
    for (let index = 1; index <= host.config.receives; index++) {
      host.receive({
        conversation: "chat",
        providerMessageId: `m${index}`,
        sender: { id: "someone" },
        text: `text ${index}`,
        attachments: [],
        isGroup: false,
        mentionsMe: false,
      }).then(
        () => host.log.info("scripted.received", { index }),
        (thrown) => host.log.info("scripted.refused", { index, kind: thrown.kind }),
      );
    }
    return {
      async send({ text }, signal) {
        const [word, argument = ""] = text.split(" ", 2);
        switch (word) {
          case "throw":
            setTimeout(() => {
              throw new Error("thrown later");
            });
            break;
          case "fail":
            throw new AppError("unavailable", "try later", { retryAfterMs: 1234, reason: "rate_limited" });
          case "spin":
            // Without a rest, so that nothing else in this worker runs, until the test puts a file here.
            host.log.info("scripted.spins");
            while (![...Deno.readDirSync(host.stateDir)].some(({ name }) => name === argument));
            break;
          case "chatter":
            for (let line = 0; line < 600; line++) host.log.info("scripted.chatter");
            break;
          case "exit":
            Deno.exit();
            break;
          case "hang":
            await new Promise((_, reject) =>
              signal.addEventListener("abort", () => {
                host.log.info("scripted.aborted");
                reject(signal.reason);
              })
            );
            break;
          case "secret":
            return { providerMessageIds: [await host.secret(argument)] };
          case "config":
            return { providerMessageIds: [JSON.stringify(host.config)] };
        }
        return { providerMessageIds: [`sent ${text}`] };
      },
      async fetch(ref) {
        const path = ref.startsWith("/") ? ref : `${host.stateDir}/${ref}`;
        if (!ref.startsWith("/")) await Deno.writeTextFile(path, "four");
        return { path, mimeType: "text/plain", sizeBytes: 4 };
      },
      async [Symbol.asyncDispose]() {
        host.log.info("scripted.disposed");
        await Promise.resolve();
      },
    };
  },
});
