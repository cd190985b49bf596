/** Way into a config value: keys of mappings and indexes of lists. */
export type Path = readonly (string | number)[];

/** Writes a path as people read it: `agents[0].inbound_bindings[1].instance`, odd keys as `headers["x y"]`. */
export function toPathText(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (/^[^\s.[\]"]+$/.test(step)) text += text === "" ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

/** Reads what {@linkcode toPathText} writes, or `undefined` where `text` is no path. */
export function parsePath(text: string): Path | undefined {
  const path: (string | number)[] = [];
  let rest = text;
  while (rest !== "") {
    const step = /^\.?(?:\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([^\s.[\]"]+))/.exec(rest);
    if (step === null) return undefined;
    const [whole, index, quoted, key] = step;
    if (index !== undefined) path.push(Number(index));
    else if (quoted !== undefined) path.push(unquote(quoted));
    else path.push(key ?? "");
    rest = rest.slice(whole.length);
  }
  return path;
}

function unquote(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\(.)/g, "$1");
}

/** Whether `path` is `ancestor` or lies below it. */
export function isWithin(path: Path, ancestor: Path): boolean {
  return ancestor.every((step, index) => path[index] === step);
}
