/** Where a command reads and writes. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A person types on standard input and reads standard output. */
  readonly interactive: boolean;
  /** Colours are welcome on standard output. */
  readonly color: boolean;
  /** Width of the terminal behind standard output; absent where there is none. */
  readonly columns?: number;
  /** Writes to standard output as it is: whoever prints what others wrote makes it plain before. */
  print(text: string): void;
  /** Writes to standard error as it is. */
  complain(text: string): void;
  /** Lines of standard input, without their ends, until it ends. */
  lines(): AsyncIterable<string>;
}

/** The terminal, or the pipes, that the process was started with. */
export function newSystemTerminal(): Terminal {
  const env = Deno.env.toObject();
  const output = Deno.stdout.isTerminal();
  return {
    env,
    interactive: output && Deno.stdin.isTerminal(),
    // A terminal that nobody told its size, such as a serial line, says 0.
    ...(output ? { columns: Deno.consoleSize().columns || 80 } : {}),
    color: output && !env["NO_COLOR"] && env["TERM"] !== "dumb",
    print(text) {
      try {
        writeAll(Deno.stdout, text);
      } catch (thrown) {
        // Who reads has seen enough, such as `head`: no fault, and nothing to say.
        if (thrown instanceof Deno.errors.BrokenPipe) Deno.exit(brokenPipeCode);
        throw thrown;
      }
    },
    complain: (text) => writeAll(Deno.stderr, text),
    lines: () => splitLines(Deno.stdin.readable.pipeThrough(new TextDecoderStream())),
  };
}

/** 128 and the number of SIGPIPE, by which other programs end then. */
const brokenPipeCode = 141;

/** Splits a stream of text into lines; the last one needs no end. */
export async function* splitLines(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of chunks) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) yield part.replace(/\r$/, "");
  }
  if (rest !== "") yield rest;
}

/** A pipe may take a part of what it is given. */
function writeAll(output: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(output.writeSync(bytes));
}
