import { serveExtension } from "nexo";
import { guardedFetch } from "nexo/guarded_fetch";
import { parseFeed } from "./feed.ts";

const allowPrivate = (Deno.env.get("RSS_ALLOW_PRIVATE") ?? "").split(/\s+/).filter((place) => place !== "");

await serveExtension({
  tools: {
    fetch_feed: {
      description: "Reads a feed (RSS or Atom) by its address and gives its newest entries.",
      input_schema: {
        type: "object",
        properties: {
          url: { type: "string", minLength: 1, maxLength: 2_000 },
          limit: { type: "integer", minimum: 1, maximum: 100, default: 10 },
        },
        required: ["url"],
        additionalProperties: false,
      },
      async run({ url, limit = 10 }: { url: string; limit?: number }, { signal }) {
        const { status, body } = await guardedFetch(url, { allowPrivate, signal, maxBytes: 5_000_000 });
        if (status !== 200) throw new Error(`${url} answered ${status}`);
        const feed = parseFeed(new TextDecoder().decode(body));
        if (feed === undefined) throw new Error(`${url} is no feed`);
        return { title: feed.title, entries: feed.entries.slice(0, limit) };
      },
    },
  },
});
