import { tryModel } from "../app/live.ts";
import { kindNames, type LlmConfig, providerSchema } from "../config/llm.ts";
import { type ConfigChange, toSecretReference } from "../config/edit.ts";
import { AppError, toAppError } from "../core/error.ts";
import { newSecret, type Secret } from "../core/secret.ts";
import { defaultModelOf, kindOf, type ProviderKindName } from "../llm/kinds.ts";
import { toId, toOneOf, whyNoId } from "./ids.ts";
import type { Prompts } from "./prompts.ts";
import { readSecret, toSecret, whyNoSecret } from "./secret.ts";
import { carryOut, type PlaceFlags, promptsFor, type Site } from "./site.ts";

/** Flags of `agent setup llm`. */
export interface LlmFlags extends PlaceFlags {
  readonly provider?: string;
  readonly keyFile?: string;
  readonly noKey: boolean;
  readonly kind?: string;
  readonly baseUrl?: string;
  readonly model?: string;
  readonly offline: boolean;
}

/** A provider as it was described, not yet tried. */
interface Described {
  readonly id: string;
  readonly kind: ProviderKindName | undefined;
  readonly baseUrl: string | undefined;
  readonly model: string | undefined;
  /** `undefined`: it wants none. */
  readonly key: Secret | undefined;
}

const ownServer = "own";

/** Sets up a provider of models. Its key is tried before anything is written. @throws {AppError} */
export async function setUpLlm(site: Site, flags: LlmFlags): Promise<void> {
  const prompts = await promptsFor(site, "llm", {
    "--provider": flags.provider,
    "--key-file": flags.noKey ? "none" : flags.keyFile,
  });
  const { llm } = await site.load();
  const described = prompts === undefined ? await readFlags(flags) : await ask(prompts, llm, flags);
  const tried = flags.offline ? described : await tryOut(site, llm, described, prompts);
  const { id, key } = tried;
  await carryOut(site, {
    changes: [{ path: "llm.yaml", changes: toChanges(tried, llm) }],
    secrets: key === undefined ? [] : [{ name: id, value: key }],
    done: `agents with "model: auto" can use ${id}. Check: agent config explain llm.providers.${id}`,
  }, prompts);
}

async function readFlags({ provider = "", keyFile, noKey, kind, baseUrl, model }: LlmFlags): Promise<Described> {
  const id = toId(provider, "--provider");
  const known = toKind(kind);
  const key = noKey || keyFile === undefined ? undefined : await readSecret(keyFile, "key");
  return { id, kind: known, baseUrl, model, key };
}

function toKind(kind: string | undefined): ProviderKindName | undefined {
  return kind === undefined ? undefined : toOneOf(kindNames, kind, "--kind");
}

async function ask(prompts: Prompts, { providers }: LlmConfig, flags: LlmFlags): Promise<Described> {
  const known = Object.keys(providers);
  const offered = [...known, ...kindNames.filter((name) => !known.includes(name) && name !== "openai_compatible")];
  const chosen = flags.provider ?? await prompts.choose("Who runs the model?", [
    ...offered.map((id) => ({ value: id, label: id, ...(hasKey(providers, id) ? { hint: "has a key" } : {}) })),
    { value: ownServer, label: "a server of my own", hint: "Ollama, vLLM, LM Studio: OpenAI's protocol" },
  ]);
  if (chosen === ownServer && flags.provider === undefined) return await askOwnServer(prompts);
  const id = toId(chosen, "--provider");
  const { baseUrl, model } = flags;
  return { id, kind: toKind(flags.kind), baseUrl, model, key: await askKey(prompts, id, flags) };
}

async function askOwnServer(prompts: Prompts): Promise<Described> {
  const id = await prompts.text({ message: "How shall it be called here?", fallback: "local", check: whyNoId });
  const baseUrl = await prompts.text({
    message: "Its address",
    fallback: "http://127.0.0.1:11434/v1",
    check: (text) => URL.canParse(text) ? undefined : "is no URL",
  });
  const model = await prompts.text({ message: "Its model, as the server calls it" });
  const wantsKey = await prompts.confirm("Does it want a key?", false);
  const key = wantsKey ? await askKey(prompts, id, {}) : undefined;
  return { id, kind: "openai_compatible", baseUrl, model, key };
}

async function askKey(prompts: Prompts, id: string, flags: Pick<LlmFlags, "keyFile">): Promise<Secret> {
  if (flags.keyFile !== undefined) return await readSecret(flags.keyFile, "key");
  return toSecret(await prompts.secret(`Key of ${id}`, whyNoSecret), "key");
}

/** Tries the key; a person may give another one. */
async function tryOut(site: Site, llm: LlmConfig, described: Described, prompts: Prompts | undefined) {
  let tried = described;
  while (true) {
    site.terminal.print(`Asking ${tried.id}${tried.key === undefined ? "" : " whether it takes the key"}…\n`);
    try {
      const model = await tryModel(toConfig(llm, tried), tried.id, tried.model);
      site.terminal.print(`${tried.id} answers with ${model}.\n`);
      return tried;
    } catch (thrown) {
      const { kind, message } = toAppError(thrown);
      if (prompts === undefined) {
        throw new AppError(kind, `${message}. Nothing was written; --offline writes without asking ${tried.id}`);
      }
      prompts.warn(message);
      const next = await prompts.choose("What now?", [
        { value: "again", label: "try another key" },
        { value: "same", label: "try the same once more" },
        { value: "write", label: "write it all the same" },
      ]);
      if (next === "write") return tried;
      if (next === "again") tried = { ...tried, key: await askKey(prompts, tried.id, {}) };
    }
  }
}

/** The config as it would be, with the key itself in it. */
function toConfig(llm: LlmConfig, { id, kind, baseUrl, model, key }: Described): LlmConfig {
  const provider = {
    ...(llm.providers[id] ?? providerSchema.parse({})),
    ...(kind === undefined ? {} : { kind }),
    ...(baseUrl === undefined ? {} : { base_url: toUrl(baseUrl) }),
    ...(model === undefined ? {} : { default_model: model }),
    api_key: key ?? newSecret("none"),
  };
  const protocol = kindOf(id, provider);
  if (protocol === undefined) {
    throw new AppError("invalid", `"${id}" does not say which protocol it speaks. Add --kind: ${kindNames.join(", ")}`);
  }
  if (defaultModelOf(protocol, provider) === undefined) {
    throw new AppError("invalid", `${id} is a server of your own: say which model it has, by --model`);
  }
  return { ...llm, providers: { ...llm.providers, [id]: provider } };
}

function toChanges({ id, kind, baseUrl, model, key }: Described, { providers }: LlmConfig): readonly ConfigChange[] {
  const settings = {
    ...(kind === undefined ? {} : { kind }),
    ...(baseUrl === undefined ? {} : { base_url: baseUrl }),
    api_key: key === undefined ? "none" : toSecretReference(id),
    ...(model === undefined ? {} : { default_model: model }),
  };
  const path = ["providers", id];
  if (providers[id] === undefined) return [{ path, value: settings }];
  return Object.entries(settings).map(([name, value]) => ({ path: [...path, name], value }));
}

function toUrl(text: string): string {
  if (URL.canParse(text)) return text;
  throw new AppError("invalid", `--base-url ${JSON.stringify(text)} is no URL. Write it as https://host/v1`);
}

function hasKey(providers: LlmConfig["providers"], id: string): boolean {
  return (providers[id]?.api_key?.reveal() ?? "") !== "";
}
