const functions: Readonly<Record<string, (value: number) => number>> = {
  abs: Math.abs,
  acos: Math.acos,
  asin: Math.asin,
  atan: Math.atan,
  ceil: Math.ceil,
  cos: Math.cos,
  exp: Math.exp,
  floor: Math.floor,
  ln: Math.log,
  log: Math.log10,
  log2: Math.log2,
  round: Math.round,
  sin: Math.sin,
  sqrt: Math.sqrt,
  tan: Math.tan,
};
const constants: Readonly<Record<string, number>> = { pi: Math.PI, e: Math.E };

/** Brackets, signs and powers inside each other. */
const maxDepth = 100;

/**
 * Works out an expression, to 15 digits.
 *
 * @throws {Error} naming what is wrong with it.
 */
export function evaluate(expression: string): number {
  const tokens = expression.match(/\d+\.?\d*(?:e[+-]?\d+)?|\.\d+|[a-z][a-z0-9]*|\S/gi) ?? [];
  let at = 0;
  let depth = 0;
  const take = (...wanted: readonly string[]) => wanted.includes(tokens[at] ?? "") ? tokens[at++] : undefined;
  const deeper = <T>(work: () => T): T => {
    if (++depth > maxDepth) throw new Error("It is nested too deeply");
    const value = work();
    depth--;
    return value;
  };

  const sum = (): number =>
    deeper(() => {
      let value = product();
      for (let sign = take("+", "-"); sign !== undefined; sign = take("+", "-")) {
        value = sign === "+" ? value + product() : value - product();
      }
      return value;
    });
  const product = (): number => {
    let value = signed();
    for (let sign = take("*", "/", "%"); sign !== undefined; sign = take("*", "/", "%")) {
      const right = signed();
      if (sign !== "*" && right === 0) throw new Error("It divides by zero");
      value = sign === "*" ? value * right : sign === "/" ? value / right : value % right;
    }
    return value;
  };
  // A sign binds weaker than a power: -2^2 is -4.
  const signed = (): number => deeper(() => take("-") ? -signed() : take("+") ? signed() : power());
  const power = (): number => {
    const base = atom();
    return take("^") ? base ** signed() : base;
  };
  const atom = (): number => {
    const token = tokens[at++];
    if (token === undefined) throw new Error("It ends too early");
    if (/^[\d.]/.test(token) && token !== ".") return Number(token);
    if (token === "(") return close(sum());
    const name = token.toLowerCase();
    if (Object.hasOwn(constants, name)) return constants[name] ?? NaN;
    const work = Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (work === undefined) throw new Error(`It holds "${token}", which means nothing here`);
    if (!take("(")) throw new Error(`After ${name} comes a bracket`);
    return work(close(sum()));
  };
  const close = (value: number): number => {
    if (!take(")")) throw new Error("A bracket is not closed");
    return value;
  };

  const value = sum();
  if (at < tokens.length) throw new Error(`It goes on with "${tokens[at]}", where it should end`);
  if (!Number.isFinite(value)) throw new Error("It has no finite value");
  return Number(value.toPrecision(15));
}
