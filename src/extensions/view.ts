import type { Confinement } from "../child/spec.ts";

/** How an extension stands. */
export interface ExtensionView {
  readonly id: string;
  readonly version: string;
  readonly description: string;
  readonly author: string;
  readonly folder: string;
  readonly transport: "stdio" | "nats" | "unknown";
  readonly installed: boolean;
  readonly enabled: boolean;
  /** `off`: it is not enabled, or must not run. `down`: it was given up. */
  readonly state: "off" | "starting" | "up" | "degraded" | "restarting" | "down";
  /** A sentence for the operator, with the remedy. Always there when the state is not `up`. */
  readonly reason?: string;
  /** Absent while nothing runs. */
  readonly confinement?: Confinement;
  /** Name of the trusted key that has signed its archive. */
  readonly signedBy?: string;
  /** SHA-256 of its content; absent where it cannot be read. */
  readonly hash?: string;
  /** Names of its tools, as agents see them. */
  readonly tools: readonly string[];
  readonly hooks: readonly string[];
  /** What it asks for, in words. */
  readonly permissions: readonly string[];
  /** Since it was opened. */
  readonly restarts: number;
}
