import { tryEmbedder } from "../app/live.ts";
import { type EmbedderConfig, embedderKinds, memoryFileSchema } from "../config/memory.ts";
import { type ConfigValue, toSecretReference } from "../config/edit.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Secret } from "../core/secret.ts";
import { toOneOf } from "./ids.ts";
import type { Prompts } from "./prompts.ts";
import { readSecret, toSecret, whyNoSecret } from "./secret.ts";
import { carryOut, type PlaceFlags, promptsFor, type Site } from "./site.ts";

type EmbedderKind = (typeof embedderKinds)[number];

/** Flags of `agent setup memory`. */
export interface MemoryFlags extends PlaceFlags {
  readonly embedder?: string;
  readonly keyFile?: string;
  readonly baseUrl?: string;
  readonly model?: string;
  readonly offline: boolean;
}

/** What makes vectors, not yet tried. */
interface Described {
  readonly kind: EmbedderKind;
  readonly baseUrl: string | undefined;
  readonly model: string | undefined;
  /** `undefined`: it wants none. */
  readonly key: Secret | undefined;
}

const secretName = "memory_embedder";

/** Sets up how agents find what they know. A key is tried before anything is written. @throws {AppError} */
export async function setUpMemory(site: Site, flags: MemoryFlags): Promise<void> {
  const prompts = await promptsFor(site, "memory", { "--embedder": flags.embedder });
  await site.load();
  const described = prompts === undefined ? await readFlags(flags) : await ask(prompts, flags);
  const { kind, baseUrl, model, key } = flags.offline ? described : await tryOut(site, described, prompts);
  const embedder: Record<string, ConfigValue> = {
    kind,
    ...(key === undefined ? isAsked(kind) ? { api_key: "none" } : {} : { api_key: toSecretReference(secretName) }),
    ...(baseUrl === undefined ? {} : { base_url: baseUrl }),
    ...(model === undefined ? {} : { model }),
  };
  await carryOut(site, {
    changes: [{ path: "memory.yaml", changes: [{ path: ["long_term", "embedder"], value: embedder }] }],
    secrets: key === undefined ? [] : [{ name: secretName, value: key }],
    done: 'agents whose allowed_tools name "remember" and "recall" know things across conversations',
  }, prompts);
}

async function readFlags({ embedder = "", keyFile, baseUrl, model }: MemoryFlags): Promise<Described> {
  const kind = toOneOf(embedderKinds, embedder, "--embedder");
  const key = keyFile === undefined || !isAsked(kind) ? undefined : await readSecret(keyFile, "key");
  if (isAsked(kind) && key === undefined && baseUrl === undefined) {
    throw new AppError(
      "invalid",
      `agent setup memory --embedder ${kind} needs --key-file, or --base-url of your own server`,
    );
  }
  return { kind, baseUrl, model, key };
}

async function ask(prompts: Prompts, flags: MemoryFlags): Promise<Described> {
  const chosen = await prompts.choose<EmbedderKind | "own">("How shall agents find what they know?", [
    { value: "embedded", label: "with the model in the program", hint: "no key, no network" },
    { value: "openai_compatible", label: "with OpenAI", hint: "needs a key" },
    { value: "own", label: "with a server of my own", hint: "Ollama, vLLM, LM Studio: OpenAI's protocol" },
    { value: "gemini", label: "with Gemini", hint: "needs a key" },
    { value: "none", label: "by words only" },
  ]);
  const { baseUrl, model } = flags;
  if (chosen === "own") {
    return {
      kind: "openai_compatible",
      baseUrl: baseUrl ?? await prompts.text({
        message: "Its address",
        fallback: "http://127.0.0.1:11434/v1",
        check: (text) => URL.canParse(text) ? undefined : "is no URL",
      }),
      model: model ?? await prompts.text({ message: "Its model, as the server calls it" }),
      key: await prompts.confirm("Does it want a key?", false) ? await askKey(prompts, "the server", flags) : undefined,
    };
  }
  return { kind: chosen, baseUrl, model, key: isAsked(chosen) ? await askKey(prompts, chosen, flags) : undefined };
}

async function askKey(prompts: Prompts, whose: string, { keyFile }: Pick<MemoryFlags, "keyFile">): Promise<Secret> {
  if (keyFile !== undefined) return await readSecret(keyFile, "key");
  return toSecret(await prompts.secret(`Key for ${whose}`, whyNoSecret), "key");
}

/** Has one vector made; a person may give another key. */
async function tryOut({ terminal }: Site, described: Described, prompts: Prompts | undefined): Promise<Described> {
  let tried = described;
  while (isAsked(tried.kind)) {
    terminal.print("Asking for a vector…\n");
    try {
      await tryEmbedder(toConfig(tried));
      terminal.print("It makes vectors.\n");
      break;
    } catch (thrown) {
      const { kind, message } = toAppError(thrown);
      if (prompts === undefined) {
        throw new AppError(kind, `${message}. Nothing was written; --offline writes without asking`);
      }
      prompts.warn(message);
      if (!await prompts.confirm("Try another key? No: write it all the same", true)) break;
      tried = { ...tried, key: await askKey(prompts, tried.kind, {}) };
    }
  }
  return tried;
}

/** The embedder as it would be, with the key itself in it. @throws {AppError} `invalid` */
function toConfig({ kind, baseUrl, model, key }: Described): EmbedderConfig {
  const embedder = {
    kind,
    api_key: key?.reveal() ?? "none",
    ...(baseUrl === undefined ? {} : { base_url: baseUrl }),
    ...(model === undefined ? {} : { model }),
  };
  const parsed = memoryFileSchema.safeParse({ long_term: { embedder } });
  if (parsed.success) return parsed.data.long_term.embedder;
  const [issue] = parsed.error.issues;
  throw new AppError("invalid", `The embedder is not described well: ${issue?.path.join(".")} ${issue?.message}`);
}

/** Whether it is asked over the network. */
function isAsked(kind: EmbedderKind): boolean {
  return kind === "openai_compatible" || kind === "gemini";
}
