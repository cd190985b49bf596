import type { Command, RouteMap } from "@stricli/core";
import type { CliContext } from "./context.ts";
import type { Terminal } from "./terminal.ts";

/** Shells that commands can be completed in. */
export const shells = ["bash", "zsh", "fish"] as const;
/** Name of a shell. */
export type Shell = (typeof shells)[number];

/** A word that may stand next. */
interface Word {
  readonly name: string;
  readonly brief: string;
}

/** What may stand after the words of `path`. */
interface Place {
  /** Commands so far, each with a blank before it: ` dlq list`; empty at the beginning. */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly flags: readonly Flag[];
  /** What may stand first behind the command, beside its flags. */
  readonly argument: Values;
}

/** A flag, and what stands behind it. */
interface Flag extends Word {
  /** `undefined`: nothing does. */
  readonly values: Values | undefined;
}

/** The id of an agent, a path, one of several words, or `any` text, which nothing can be offered for. */
type Values = "agent" | "path" | "any" | readonly string[];

/** `agent completions SHELL`: prints the script that the shell reads at its start. */
export function printCompletions(terminal: Terminal, root: RouteMap<CliContext>, shell: Shell): Promise<number> {
  terminal.print(formatCompletions(root, shell));
  return Promise.resolve(0);
}

/**
 * Writes the script for a shell. It holds every command and flag, and reads ids of agents in the config, so that
 * completing does not start the program.
 */
function formatCompletions(root: RouteMap<CliContext>, shell: Shell): string {
  const places = listPlaces(root, "");
  switch (shell) {
    case "bash":
      return formatBash(places);
    case "zsh":
      return formatZsh(places);
    case "fish":
      return formatFish(places);
  }
}

function listPlaces(target: Command<CliContext> | RouteMap<CliContext>, path: string): readonly Place[] {
  if (!("getAllEntries" in target)) {
    const flags = Object.entries(target.parameters.flags ?? {}).map(([name, flag]): Flag => ({
      name: `--${toKebab(name)}`,
      brief: toLine(flag.brief),
      values: flag.kind === "parsed" || flag.kind === "enum" ? toValues(flag) : undefined,
    }));
    const { positional } = target.parameters;
    const [first] = positional?.kind === "tuple" ? positional.parameters : [];
    return [{ path, commands: [], flags: [...flags, help], argument: first === undefined ? "any" : toValues(first) }];
  }
  const entries = target.getAllEntries().filter(({ hidden }) => !hidden).map(({ name, target }) => ({
    name: name["convert-camel-to-kebab"],
    target,
  }));
  const commands = entries.map(({ name, target }) => ({ name, brief: toLine(target.brief) }));
  const preset = target.getDefaultCommand();
  const flags = preset === undefined ? [help] : listPlaces(preset, path).flatMap((place) => place.flags);
  return [
    { path, commands, flags, argument: "any" },
    ...entries.flatMap(({ name, target }) => listPlaces(target, `${path} ${name}`)),
  ];
}

const help: Flag = { name: "--help", brief: "Print help information and exit", values: undefined };

function toValues(
  { placeholder, values }: { readonly placeholder?: string; readonly values?: readonly string[] },
): Values {
  if (values !== undefined) return values;
  switch (placeholder) {
    case "AGENT":
      return "agent";
    case "FILE":
    case "DIR":
    case "PATH":
      return "path";
    case "SHELL":
      return shells;
    default:
      return "any";
  }
}

/** Prints the ids of agents as most people write them: `- id: ana`, or `{ id: ana, … }`. */
const printAgentIds =
  `sh -c 'for file in "\${AGENT_CONFIG:-./config}"/agents.yaml "\${AGENT_CONFIG:-./config}"/agents.d/*.yaml; do
  case $file in *.example.yaml) continue ;; esac
  sed -nE "s/^[ -]*([{] *)?id: *\\"?([a-z0-9][a-z0-9_-]*).*/\\2/p" "$file" 2>/dev/null
done
:'`;

/** Cases of a shell: what may stand behind a flag, or first behind a command. */
function formatValueCases(places: readonly Place[]): string {
  const all = places.flatMap(({ path, flags, argument }) => [
    ...flags.flatMap(({ name, values }) => values === undefined ? [] : [{ label: `${path} ${name}`, values }]),
    ...argument === "any" || argument === "path" ? [] : [{ label: path, values: argument }],
  ]);
  const groups = Map.groupBy(all, ({ values }) => typeof values === "string" ? values : values.join(" "));
  return [...groups].map(([values, found]) => {
    const labels = found.map(({ label }) => quote(label)).join("|");
    const what = values === "agent"
      ? "_agent_ids"
      : values === "any"
      ? ":"
      : values === "path"
      ? "return 2"
      : `echo ${quote(values)}`;
    return `    ${labels}) ${what} ;;`;
  }).join("\n");
}

function formatBash(places: readonly Place[]): string {
  const cases = places.map(({ path, commands, flags }) =>
    `    ${quote(path)}) words=${quote([...commands, ...flags].map(({ name }) => name).join(" "))} ;;`
  );
  return `# Completions of agent for bash. In ~/.bashrc: eval "$(agent completions bash)"
_agent_words() {
  case "$1" in
${cases.join("\n")}
    *) return 1 ;;
  esac
}
_agent_ids() {
  ${printAgentIds}
}
_agent_values() {
  case "$1" in
${formatValueCases(places)}
    *) return 1 ;;
  esac
}
_agent() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} path="" word words="" values
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if _agent_words "$path $word"; then path="$path $word"; fi
  done
  values=$(_agent_values "$path $previous")
  case "$previous:$?" in
    --*:0) mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current"); return ;;
    --*:2) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
  esac
  _agent_words "$path"
  values=$(_agent_values "$path")
  mapfile -t COMPREPLY < <(compgen -W "$values $words" -- "$current")
}
complete -o default -o filenames -F _agent agent
`;
}

function formatZsh(places: readonly Place[]): string {
  const cases = places.map(({ path, commands, flags }) => {
    const list = [...commands, ...flags].map(({ name, brief }) => quote(`${name}:${brief}`)).join(" ");
    return `    ${quote(path)}) choices=(${list}) ;;`;
  });
  return `#compdef agent
# Completions of agent for zsh. In ~/.zshrc, after compinit: eval "$(agent completions zsh)"
_agent_choices() {
  case "$1" in
${cases.join("\n")}
    *) return 1 ;;
  esac
}
_agent_ids() {
  ${printAgentIds}
}
_agent_values() {
  case "$1" in
${formatValueCases(places)}
    *) return 1 ;;
  esac
}
_agent() {
  local path_so_far="" word previous="\${words[CURRENT-1]}" values
  local -a choices
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if _agent_choices "$path_so_far $word"; then path_so_far="$path_so_far $word"; fi
  done
  values=$(_agent_values "$path_so_far $previous")
  case "$previous:$?" in
    --*:0) compadd -- \${=values}; return ;;
    --*:2) _files; return ;;
  esac
  _agent_choices "$path_so_far"
  values=$(_agent_values "$path_so_far")
  [[ -n $values ]] && compadd -- \${=values}
  _describe agent choices || _files
}
compdef _agent agent
`;
}

function formatFish(places: readonly Place[]): string {
  const known = places.map(({ path }) => path.trim()).filter((path) => path !== "");
  const lines = places.flatMap(({ path, commands, flags, argument }) => {
    const condition = `-n ${quote(`__agent_at${path}`)}`;
    return [
      ...commands.map(({ name, brief }) => `complete -c agent -f ${condition} -a ${name} -d ${quote(brief)}`),
      ...commands.length > 0 || argument === "agent" ? [] : [`complete -c agent ${condition} -F`],
      ...argument === "agent" ? [`complete -c agent -f ${condition} -a '(__agent_ids)'`] : [],
      ...flags.map(({ name, brief, values }) =>
        `complete -c agent ${condition} -l ${name.slice(2)}${toFishValues(values)} -d ${quote(brief)}`
      ),
    ];
  });
  return `# Completions of agent for fish. In ~/.config/fish/config.fish: agent completions fish | source
function __agent_path
  set -l path ""
  for word in (commandline -opc)[2..-1]
    set -l longer (string trim -- "$path $word")
    if contains -- $longer ${known.map(quote).join(" ")}
      set path $longer
    end
  end
  echo "$path"
end
function __agent_at
  test (__agent_path) = "$argv"
end
function __agent_ids
  ${printAgentIds}
end
complete -c agent -f
${lines.join("\n")}
`;
}

function toFishValues(values: Values | undefined): string {
  if (values === undefined) return "";
  if (values === "path") return " -r -F";
  if (values === "any") return " -x";
  return ` -x -a ${quote(values === "agent" ? "(__agent_ids)" : values.join(" "))}`;
}

/** A word that the three shells take as it is. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "")}'`;
}

function toLine(text: string): string {
  return text.replace(/[\s:]+/g, " ").trim();
}

function toKebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
