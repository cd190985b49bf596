import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { z } from "zod";
import { toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";

/** A tool as its server describes it. Whoever changes that changes what a model is told to do. */
const faceSchema = z.object({
  name: z.string(),
  title: z.string().optional(),
  description: z.string().optional(),
  inputSchema: z.unknown(),
  annotations: z.object({ readOnlyHint: z.boolean().optional(), idempotentHint: z.boolean().optional() }).optional(),
});
/** A tool as its server describes it. */
export type ToolFace = z.output<typeof faceSchema>;

const offerSchema = z.object({
  tools: z.array(faceSchema),
  resources: z.boolean(),
  prompts: z.boolean(),
});
/** What a server has for agents. */
export type Offer = z.output<typeof offerSchema>;

const fileSchema = z.record(
  z.string(),
  z.object({
    /** Hash of each accepted tool, by name. */
    pins: z.record(z.string(), z.string()),
    /** What the server at an address with this hash offered last, so that its tools are there before it answers. */
    last: z.object({ place: z.string(), offer: offerSchema }).optional(),
  }),
);
type Page = z.output<typeof fileSchema>[string];

/** How a tool stands: as it was accepted, never seen before, or not as it was accepted. */
export type PinVerdict = "same" | "new" | "changed";

/** Remembers how each tool looked when it was accepted, so that a server cannot change it behind the operator's back. */
export interface Pins {
  judge(server: string, face: ToolFace): PinVerdict;
  /** From now on the tools are what `faces` say. */
  accept(server: string, faces: readonly ToolFace[]): Promise<void>;
  /** Keeps what the server at `address` offers. */
  remember(server: string, address: string, offer: Offer): Promise<void>;
  /** What the server at `address` offered last. */
  recall(server: string, address: string): Offer | undefined;
}

/** Tools that are remembered of one server; more than that are held. */
const toolBound = 5_000;
/** Longer offers are not kept: their tools come when the server answers. Characters. */
const offerBound = 2_000_000;

/** Opens the pins in the file at `path`. Of a file that cannot be read nothing was accepted: all tools are held. */
export async function openPins(path: string, log: Log): Promise<Pins> {
  const { pages, isBroken } = await readPages(path, log);
  let writing: Promise<void> = Promise.resolve();

  const pageOf = (server: string): Page => {
    const page = pages.get(server) ?? { pins: {} };
    pages.set(server, page);
    return page;
  };

  async function write(): Promise<void> {
    await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(`${path}.new`, JSON.stringify(Object.fromEntries(pages)), { mode: 0o600 });
    await Deno.rename(`${path}.new`, path);
  }

  async function save(): Promise<void> {
    const mine = writing.then(write);
    writing = mine.catch((thrown) => log.error("mcp.pins_unwritten", { error: toAppError(thrown).message }));
    await writing;
  }

  return {
    judge(server, face) {
      const pins = pages.get(server)?.pins ?? {};
      if (Object.hasOwn(pins, face.name)) return pins[face.name] === toHash(face) ? "same" : "changed";
      return isBroken || Object.keys(pins).length >= toolBound ? "changed" : "new";
    },
    async accept(server, faces) {
      const page = pageOf(server);
      const added = faces.map((face): [string, string] => [face.name, toHash(face)]);
      const pins = Object.fromEntries([...Object.entries(page.pins), ...added].slice(0, toolBound + added.length));
      pages.set(server, { ...page, pins });
      await save();
    },
    async remember(server, address, offer) {
      const page = pageOf(server);
      const last = { place: hashText(address), offer };
      if (JSON.stringify(page.last) === JSON.stringify(last)) return;
      pages.set(server, JSON.stringify(offer).length > offerBound ? { pins: page.pins } : { ...page, last });
      await save();
    },
    recall(server, address) {
      const last = pages.get(server)?.last;
      return last?.place === hashText(address) ? last.offer : undefined;
    },
  };
}

async function readPages(path: string, log: Log) {
  try {
    const pages = fileSchema.parse(JSON.parse(await Deno.readTextFile(path)));
    return { pages: new Map(Object.entries(pages)), isBroken: false };
  } catch (thrown) {
    const isBroken = !(thrown instanceof Deno.errors.NotFound);
    if (isBroken) log.error("mcp.pins_unreadable", { error: toAppError(thrown).message });
    return { pages: new Map<string, Page>(), isBroken };
  }
}

function toHash({ name, title, description, inputSchema, annotations }: ToolFace): string {
  const { readOnlyHint, idempotentHint } = annotations ?? {};
  const told = [name, title, description, inputSchema, readOnlyHint, idempotentHint].map((part) => part ?? null);
  return hashText(JSON.stringify(toOrdered(told)));
}

function hashText(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

/** The same value with the keys of its mappings in order: servers may write them in any. */
function toOrdered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toOrdered);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([one], [other]) => one < other ? -1 : 1);
  return Object.fromEntries(entries.map(([key, part]) => [key, toOrdered(part)]));
}
