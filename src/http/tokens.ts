import type { Secret } from "../core/secret.ts";
import type { TokenCreated, TokenRequest, TokenView } from "./tokens_api.ts";

/** Tokens beside the root token. */
export interface Tokens {
  /** The token with this text, whether or not it is still taken. */
  find(text: string): TokenView | undefined;
  /** Whether a token is taken. */
  isLive(id: number): boolean;
  /** Newest first; some that ended too. */
  list(signal: AbortSignal): Promise<readonly TokenView[]>;
  /**
   * Makes one, and writes down who did.
   *
   * @throws {AppError} `invalid` for a name that means somebody else, `conflict` for one that is taken or for too many.
   */
  create(request: TokenRequest, actor: string): Promise<TokenCreated>;
  /** Ends one for good, and writes down who did. @throws {AppError} `missing`, `conflict` where it was revoked before. */
  revoke(id: number, actor: string): Promise<TokenView>;
  /** It was used. Written down now and then. */
  used(id: number): void;
}

/** The token of whoever owns the data folder. */
export interface RootToken {
  readonly current: Secret;
  /** Puts a new one in its place. @throws {AppError} `conflict` where the environment gives it. */
  rotate(): Promise<Secret>;
}
