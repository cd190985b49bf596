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
  readonly flags: readonly Word[];
}

/** `agent completions SHELL`: prints the script that the shell reads at its start. */
export function printCompletions(terminal: Terminal, root: RouteMap<CliContext>, shell: Shell): Promise<number> {
  terminal.print(formatCompletions(root, shell));
  return Promise.resolve(0);
}

/** Writes the script for a shell. It holds every command and flag, so that completing starts no process. */
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
    const flags = Object.entries(target.parameters.flags ?? {}).map(([name, { brief }]) => ({
      name: `--${toKebab(name)}`,
      brief: toLine(brief),
    }));
    return [{ path, commands: [], flags: [...flags, help] }];
  }
  const entries = target.getAllEntries().filter(({ hidden }) => !hidden).map(({ name, target }) => ({
    name: name["convert-camel-to-kebab"],
    target,
  }));
  const commands = entries.map(({ name, target }) => ({ name, brief: toLine(target.brief) }));
  const preset = target.getDefaultCommand();
  const flags = preset === undefined ? [help] : listPlaces(preset, path).flatMap((place) => place.flags);
  return [{ path, commands, flags }, ...entries.flatMap(({ name, target }) => listPlaces(target, `${path} ${name}`))];
}

const help: Word = { name: "--help", brief: "Print help information and exit" };

/** Flags after which a path stands. */
const pathFlags = "--config|--data|--out|--*-file";
const pathFlag = /^--(?:config|data|out|.*-file)$/;

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
_agent() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} path="" word words=""
  case "$previous" in
    ${pathFlags}) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if _agent_words "$path $word"; then path="$path $word"; fi
  done
  _agent_words "$path"
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
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
_agent() {
  local path_so_far="" word
  local -a choices
  case "\${words[CURRENT-1]}" in
    ${pathFlags}) _files; return ;;
  esac
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if _agent_choices "$path_so_far $word"; then path_so_far="$path_so_far $word"; fi
  done
  _agent_choices "$path_so_far"
  _describe agent choices || _files
}
compdef _agent agent
`;
}

function formatFish(places: readonly Place[]): string {
  const known = places.map(({ path }) => path.trim()).filter((path) => path !== "");
  const lines = places.flatMap(({ path, commands, flags }) => {
    const condition = `-n ${quote(`__agent_at${path}`)}`;
    return [
      ...commands.map(({ name, brief }) => `complete -c agent -f ${condition} -a ${name} -d ${quote(brief)}`),
      ...commands.length > 0 ? [] : [`complete -c agent ${condition} -F`],
      ...flags.map(({ name, brief }) => {
        const needsPath = pathFlag.test(name) ? " -r -F" : "";
        return `complete -c agent ${condition} -l ${name.slice(2)}${needsPath} -d ${quote(brief)}`;
      }),
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
complete -c agent -f
${lines.join("\n")}
`;
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
