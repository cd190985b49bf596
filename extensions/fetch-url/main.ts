import { serveExtension } from "nexo";
import { guardedFetch } from "nexo/guarded_fetch";
import { toText } from "./page.ts";

const allowPrivate = (Deno.env.get("FETCH_URL_ALLOW_PRIVATE") ?? "").split(/\s+/).filter((place) => place !== "");

await serveExtension({
  tools: {
    fetch: {
      description: "Reads a page by its address and gives its text. Only http and https, only the public network.",
      input_schema: {
        type: "object",
        properties: {
          url: { type: "string", minLength: 1, maxLength: 2_000 },
          max_characters: { type: "integer", minimum: 100, maximum: 100_000, default: 20_000 },
        },
        required: ["url"],
        additionalProperties: false,
      },
      async run({ url, max_characters = 20_000 }: { url: string; max_characters?: number }, { signal }) {
        const response = await guardedFetch(url, { allowPrivate, signal });
        const type = response.headers["content-type"] ?? "";
        if (!/^(text\/|application\/(json|xml|[\w.-]+\+(json|xml)))|^$/.test(type)) {
          throw new Error(`${response.url} is ${type}, which is no text`);
        }
        const charset = /charset="?([\w-]+)/i.exec(type)?.[1] ?? "utf-8";
        const body = new TextDecoder(charset).decode(response.body);
        const text = /html/i.test(type) ? toText(body) : body;
        const left = text.length - max_characters;
        return {
          url: response.url,
          status: response.status,
          content_type: type,
          text: left > 0 ? `${text.slice(0, max_characters)}\n[${left} characters left out]` : text,
        };
      },
    },
  },
});
