/** Unchanged lines that are shown around each change. */
const contextLines = 3;
/** Texts with more different lines than this are compared as a whole: the browser must not stand still. */
const comparedLines = 3_000;

/** Lines that go (`-`), that come (`+`) and that stay around them, with the places in both texts, as patches have them. */
export function compareLines(old: readonly string[], fresh: readonly string[]): readonly string[] {
  const lines = compareAll(old, fresh);
  const isNear = lines.map((_, at) =>
    lines.slice(Math.max(0, at - contextLines), at + contextLines + 1).some(({ sign }) => sign !== " ")
  );
  return lines.flatMap(({ sign, text, oldLine, newLine }, at) => {
    if (!isNear[at]) return [];
    const place = isNear[at - 1] ? [] : [`@@ line ${sign === "-" ? oldLine : newLine} @@`];
    return [...place, `${sign}${text}`];
  });
}

type Signed = readonly [sign: " " | "-" | "+", text: string];

interface Line {
  readonly sign: Signed[0];
  readonly text: string;
  /** 1-based places. */
  readonly oldLine: number;
  readonly newLine: number;
}

function compareAll(old: readonly string[], fresh: readonly string[]): readonly Line[] {
  let head = 0;
  while (head < old.length && head < fresh.length && old[head] === fresh[head]) head++;
  let tail = 0;
  while (tail < Math.min(old.length, fresh.length) - head && old.at(-1 - tail) === fresh.at(-1 - tail)) tail++;
  const [gone, come] = [old.slice(head, old.length - tail), fresh.slice(head, fresh.length - tail)];
  const same = (text: string): Signed => [" ", text];
  const signed = [...old.slice(0, head).map(same), ...toMiddle(gone, come), ...old.slice(old.length - tail).map(same)];
  let [oldLine, newLine] = [1, 1];
  return signed.map(([sign, text]) => {
    const line = { sign, text, oldLine, newLine };
    if (sign !== "+") oldLine++;
    if (sign !== "-") newLine++;
    return line;
  });
}

/** The longest common subsequence decides what stays. */
function toMiddle(gone: readonly string[], come: readonly string[]): readonly Signed[] {
  const whole = [...gone.map((text): Signed => ["-", text]), ...come.map((text): Signed => ["+", text])];
  if (gone.length === 0 || come.length === 0 || gone.length + come.length > comparedLines) return whole;
  const width = come.length + 1;
  const common = new Uint16Array((gone.length + 1) * width);
  const at = (row: number, column: number) => common[row * width + column] ?? 0;
  for (let row = gone.length - 1; row >= 0; row--) {
    for (let column = come.length - 1; column >= 0; column--) {
      common[row * width + column] = gone[row] === come[column]
        ? at(row + 1, column + 1) + 1
        : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const lines: Signed[] = [];
  let [row, column] = [0, 0];
  while (row < gone.length || column < come.length) {
    const [old, fresh] = [gone[row], come[column]];
    const sign = old !== undefined && old === fresh
      ? " "
      : old !== undefined && (fresh === undefined || at(row + 1, column) >= at(row, column + 1))
      ? "-"
      : "+";
    lines.push([sign, (sign === "+" ? fresh : old) ?? ""]);
    if (sign !== "+") row++;
    if (sign !== "-") column++;
  }
  return lines;
}
