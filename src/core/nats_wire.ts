/** Bare text over NATS, for what is not of this runtime and does not speak its envelopes. Absent where NATS is not used. */
export interface NatsWire {
  /**
   * Hands every text on `subject` (wildcards are allowed) to `take`, over all connections, until `signal` fires.
   * `connected` is told of each connection, once it listens.
   */
  listen(
    subject: string,
    on: { take(text: string, subject: string): void; connected?(): void },
    signal: AbortSignal,
  ): void;
  /** @throws {AppError} `unavailable` while there is no connection. */
  publish(subject: string, text: string): void;
  /** @throws {AppError} `unavailable` where nobody answers or there is no connection; `timeout`. */
  request(subject: string, text: string, timeoutMs: number): Promise<string>;
}
