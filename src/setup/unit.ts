import { AppError } from "../core/error.ts";

/** What a unit of systemd is made of. Paths are absolute. */
export interface ServiceUnit {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Folders that the service may write; nothing else of the system. */
  readonly writable: readonly string[];
  /** Read at the start where it is there: a line a variable, for `${NAME}` in the config. */
  readonly envFile: string;
  /** User that it runs as; `undefined`: a service of the user's own systemd. */
  readonly user: string | undefined;
  readonly workingDir: string;
}

/** Larger than any load that was measured, and small enough to spare the machine. */
const memoryMax = "2G";
/** The process itself needs its shutdown budget of 20 seconds. */
const stopSeconds = 30;

/** Hardening that every systemd can give, also a user's own. */
const walls = [
  "NoNewPrivileges=yes",
  "ProtectSystem=strict",
  "PrivateTmp=yes",
  "LockPersonality=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
  "SystemCallArchitectures=native",
  "UMask=0077",
];
/**
 * What only the machine's systemd may do. Not ProtectKernelTunables and ProtectHostname: they cover files in /proc, and
 * the kernel then lets bubblewrap give no program a /proc of its own.
 */
const machineWalls = [
  "ProtectHome=read-only",
  "PrivateDevices=yes",
  "ProtectClock=yes",
  "ProtectKernelModules=yes",
  "ProtectControlGroups=yes",
  "CapabilityBoundingSet=",
];

/** Writes the unit. @throws {AppError} `invalid` for a path that no unit can hold. */
export function formatUnit({ command, env, writable, envFile, user, workingDir }: ServiceUnit): string {
  const [program = "", ...args] = command;
  return [
    "# Written by: agent service install",
    "[Unit]",
    "Description=nexo: agents that answer people, and never lose a message",
    ...user === undefined ? [] : ["Wants=network-online.target", "After=network-online.target"],
    "",
    "[Service]",
    "Type=exec",
    ...user === undefined ? [] : [`User=${toValue(user)}`],
    `WorkingDirectory=${toValue(workingDir)}`,
    `ExecStart=${[toProgram(program), ...args.map((arg) => toWord(arg).replaceAll("$", () => "$$"))].join(" ")}`,
    ...Object.entries(env).map(([name, value]) => `Environment=${toWord(`${name}=${value}`)}`),
    `EnvironmentFile=-${toValue(envFile)}`,
    "Restart=always",
    "RestartSec=2",
    `TimeoutStopSec=${stopSeconds}`,
    "",
    ...walls,
    ...user === undefined ? [] : machineWalls,
    `ReadWritePaths=${writable.map(toWord).join(" ")}`,
    `MemoryMax=${memoryMax}`,
    "TasksMax=512",
    "LimitNOFILE=65536",
    "",
    "[Install]",
    `WantedBy=${user === undefined ? "default" : "multi-user"}.target`,
    "",
  ].join("\n");
}

/** A value of its own line. `%` begins a specifier: systemd.unit(5). */
function toValue(text: string): string {
  if (/\p{Cc}/u.test(text)) throw new AppError("invalid", `A unit cannot hold ${JSON.stringify(text)}. Rename it`);
  return text.replaceAll("%", "%%");
}

/** The first word of a command: the one in which `$` is no variable, and in which systemd takes no quotes. */
function toProgram(path: string): string {
  if (/["'\\]/.test(path)) throw new AppError("invalid", `systemd starts no program whose path is ${path}. Rename it`);
  return toWord(path);
}

/** A word of several on a line: systemd.service(5), "Command lines". */
function toWord(text: string): string {
  const value = toValue(text);
  return /^[\w./:=@,%+-]+$/.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`;
}
