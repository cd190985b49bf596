import { AppError } from "../core/error.ts";

/**
 * Asks the person at the terminal for a line, and does not show what is typed.
 *
 * @throws {AppError} `cancelled` for Ctrl-C.
 */
export async function askSecret(question: string, complain: (text: string) => void): Promise<string> {
  Deno.stdin.setRaw(true);
  complain(question); // only now, so that no letter is shown of who answers at once
  try {
    const decoder = new TextDecoder();
    const bytes = new Uint8Array(256);
    let typed = "";
    while (true) {
      const length = await Deno.stdin.read(bytes);
      if (length === null) return typed;
      for (const key of decoder.decode(bytes.subarray(0, length), { stream: true })) {
        if (key === "\r" || key === "\n") return typed;
        if (key === "\u0003") throw new AppError("cancelled", "Nobody gave a passphrase");
        typed = key === "\u007f" || key === "\b" ? [...typed].slice(0, -1).join("") : typed + key;
      }
    }
  } finally {
    Deno.stdin.setRaw(false);
    complain("\n");
  }
}
