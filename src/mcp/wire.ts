import type { Client } from "@modelcontextprotocol/client";
import type { Confinement } from "../child/spec.ts";

/** The way to a server, for one connection. */
export interface Wire {
  /** Connects `client`; `signal` ends the try. */
  connect(client: Client, signal: AbortSignal): Promise<void>;
  /** Says goodbye to a server that keeps a session. */
  leave(): Promise<void>;
  /** Ends a login with what the browser brought back. @throws {AppError} `invalid` where that is of no login. */
  finishLogin(params: URLSearchParams): Promise<void>;
  /** What the server's program said at its end, for the operator. */
  lastWords(): string | undefined;
  /** What holds the server back, where it is a program that we run. */
  confinement(): Confinement | undefined;
}
