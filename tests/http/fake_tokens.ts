import { AppError } from "../../src/core/error.ts";
import { newSecret } from "../../src/core/secret.ts";
import type { RootToken, Tokens } from "../../src/http/tokens.ts";
import type { TokenView } from "../../src/http/tokens_api.ts";

/** Tokens in memory, that a test makes and changes. */
export interface FakeTokens extends Tokens {
  /** Makes a token that is taken; gives its text. */
  add(name: string, role: TokenView["role"]): string;
  /** From now on nobody is let in with it. */
  endAs(name: string, state: "expired" | "revoked"): void;
  /** Who was noticed to use a token, by its number. */
  readonly uses: readonly number[];
}

/** Makes {@linkcode FakeTokens}. */
export function newFakeTokens(): FakeTokens {
  const byText = new Map<string, TokenView>();
  const uses: number[] = [];
  const change = (id: number, state: TokenView["state"]): TokenView => {
    for (const [text, token] of byText) {
      if (token.id !== id) continue;
      const changed = { ...token, state };
      byText.set(text, changed);
      return changed;
    }
    throw new AppError("missing", `There is no token ${id}`);
  };
  const add = (name: string, role: TokenView["role"], createdBy: string): readonly [string, TokenView] => {
    const text = `nexo_${name.padEnd(43, "x")}`;
    const token: TokenView = {
      id: byText.size + 1,
      name,
      role,
      state: "live",
      createdAt: "2026-01-01T00:00:00.000Z",
      createdBy,
      expiresAt: "2026-02-01T00:00:00.000Z",
      lastUsedAt: null,
      revokedAt: null,
    };
    byText.set(text, token);
    return [text, token];
  };
  return {
    uses,
    add: (name, role) => add(name, role, "cli")[0],
    endAs(name, state) {
      for (const token of byText.values()) if (token.name === name) change(token.id, state);
    },
    find: (text) => byText.get(text),
    isLive: (id) => [...byText.values()].some((token) => token.id === id && token.state === "live"),
    list: () => Promise.resolve([...byText.values()].reverse()),
    create({ name, role }, actor) {
      const [text, token] = add(name, role, actor);
      return Promise.resolve({ ...token, text });
    },
    revoke: (id) => Promise.resolve(change(id, "revoked")),
    used: (id) => void uses.push(id),
  };
}

/** A root token that can be replaced. */
export function newFakeRoot(text: string): RootToken {
  let current = newSecret(text);
  let count = 0;
  return {
    get current() {
      return current;
    },
    rotate: () => Promise.resolve(current = newSecret(`rotated-root-token-${++count}`)),
  };
}
