import { newTextResult, type Tool } from "../core/tool.ts";

/** Longest expression, characters; and how deep its brackets may go. */
const lengthBound = 500;
const depthBound = 50;

/** The tool that does sums, since models guess at them. */
export const calculateTool: Tool = {
  name: "calculate",
  description: "Works out an arithmetic expression with + - * / % ^ and brackets.",
  inputSchema: {
    type: "object",
    properties: { expression: { type: "string", minLength: 1, maxLength: lengthBound } },
    required: ["expression"],
    additionalProperties: false,
  },
  effect: "none",
  parallelSafe: true,
  harmless: true,
  run(input) {
    // The input was checked against the schema above before run() is called.
    const { expression } = input as { expression: string };
    const value = evaluate(expression);
    if (typeof value === "string") {
      return Promise.resolve(newTextResult(`Cannot calculate "${expression}": ${value}`, true));
    }
    return Promise.resolve(newTextResult(`${expression} = ${Number(value.toPrecision(15))}`));
  },
};

/** The value of an expression, or what is wrong with it. */
export function evaluate(expression: string): number | string {
  const tokens = expression.match(/\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+|[-+*/%^()]|\S/g) ?? [];
  let at = 0;
  let fault: string | undefined;
  const fail = (text: string): number => {
    fault ??= text;
    at = tokens.length;
    return NaN;
  };

  const sum = (depth: number): number => {
    let value = product(depth);
    while (tokens[at] === "+" || tokens[at] === "-") {
      value = tokens[at++] === "+" ? value + product(depth) : value - product(depth);
    }
    return value;
  };
  const product = (depth: number): number => {
    let value = signed(depth);
    while (tokens[at] === "*" || tokens[at] === "/" || tokens[at] === "%") {
      const operator = tokens[at++];
      const right = signed(depth);
      if (operator !== "*" && right === 0) return fail("division by zero");
      value = operator === "*" ? value * right : operator === "/" ? value / right : value % right;
    }
    return value;
  };
  const signed = (depth: number): number => {
    let sign = 1;
    while (tokens[at] === "-" || tokens[at] === "+") if (tokens[at++] === "-") sign = -sign;
    return sign * power(depth);
  };
  const power = (depth: number): number => {
    const base = atom(depth);
    if (tokens[at] !== "^") return base;
    at++;
    if (depth > depthBound) return fail("it is nested too deep");
    const exponent = tokens[at] === "-" ? (at++, -power(depth + 1)) : power(depth + 1);
    return base ** exponent;
  };
  const atom = (depth: number): number => {
    const token = tokens[at++];
    if (token === undefined) return fail("it ends too early");
    if (token !== "(") return /^[\d.]/.test(token) ? Number(token) : fail(`"${token}" was not expected`);
    if (depth >= depthBound) return fail("it is nested too deep");
    const value = sum(depth + 1);
    return tokens[at++] === ")" || fault !== undefined ? value : fail("a bracket is not closed");
  };

  const value = sum(0);
  if (fault === undefined && at < tokens.length) fail(`"${tokens[at]}" was not expected`);
  if (fault !== undefined) return fault;
  return Number.isFinite(value) ? value : "the result is not a finite number";
}
