import { embedderKinds } from "../config/memory.ts";
import { type ConfigValue, toSecretReference } from "../config/edit.ts";
import { AppError } from "../core/error.ts";
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
}

const secretName = "memory_embedder";

/** Sets up how agents find what they know. @throws {AppError} */
export async function setUpMemory(site: Site, flags: MemoryFlags): Promise<void> {
  const prompts = await promptsFor(site, "memory", { "--embedder": flags.embedder });
  await site.load();
  const kind = flags.embedder === undefined
    ? await choose(prompts)
    : toOneOf(embedderKinds, flags.embedder, "--embedder");
  const key = await getKey(kind, flags, prompts);
  const embedder: Record<string, ConfigValue> = {
    kind,
    ...(key === undefined ? needsKey(kind) ? { api_key: "none" } : {} : { api_key: toSecretReference(secretName) }),
    ...(flags.baseUrl === undefined ? {} : { base_url: flags.baseUrl }),
    ...(flags.model === undefined ? {} : { model: flags.model }),
  };
  await carryOut(site, {
    changes: [{ path: "memory.yaml", changes: [{ path: ["long_term", "embedder"], value: embedder }] }],
    secrets: key === undefined ? [] : [{ name: secretName, value: key }],
    done: 'agents whose allowed_tools name "remember" and "recall" know things across conversations',
  }, prompts);
}

async function choose(prompts: Prompts | undefined): Promise<EmbedderKind> {
  if (prompts === undefined) throw new AppError("bug", "Nobody said who makes vectors");
  return await prompts.choose<EmbedderKind>("How shall agents find what they know?", [
    { value: "embedded", label: "with the model in the program", hint: "no key, no network" },
    { value: "openai_compatible", label: "with OpenAI, or a server that speaks its protocol", hint: "needs a key" },
    { value: "gemini", label: "with Gemini", hint: "needs a key" },
    { value: "none", label: "by words only" },
  ]);
}

async function getKey(
  kind: EmbedderKind,
  { keyFile, baseUrl }: MemoryFlags,
  prompts: Prompts | undefined,
): Promise<Secret | undefined> {
  if (!needsKey(kind)) return undefined;
  if (keyFile !== undefined) return await readSecret(keyFile, "key");
  if (prompts !== undefined) return toSecret(await prompts.secret(`Key for ${kind}`, whyNoSecret), "key");
  if (baseUrl !== undefined) return undefined;
  throw new AppError(
    "invalid",
    `agent setup memory --embedder ${kind} needs --key-file, or --base-url of your own server`,
  );
}

function needsKey(kind: EmbedderKind): boolean {
  return kind === "openai_compatible" || kind === "gemini";
}
