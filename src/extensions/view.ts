import type { Confinement } from "../child/spec.ts";
import type { Found } from "./discovery.ts";
import { describePermissions } from "./manifest.ts";
import { toToolName } from "./tools.ts";

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

/** What can be said of an extension that does not run in this process. */
export function toFoundView({ id, manifest, folder, installed, enabled, fault, hash, signedBy }: Found): ExtensionView {
  return {
    id,
    version: manifest?.version ?? "",
    description: manifest?.description ?? "",
    author: manifest?.author ?? "",
    folder,
    transport: manifest?.transport.type ?? "unknown",
    installed,
    enabled,
    state: "off",
    reason: fault ?? "It starts with the process: agent run",
    ...(hash === undefined ? {} : { hash }),
    ...(signedBy === undefined ? {} : { signedBy }),
    tools: manifest?.tools.map(({ name }) => toToolName(id, name)) ?? [],
    hooks: manifest?.hooks.map(({ on }) => on) ?? [],
    permissions: manifest === undefined ? [] : describePermissions(manifest),
    restarts: 0,
  };
}
