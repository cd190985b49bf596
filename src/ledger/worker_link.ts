import { AppError } from "../core/error.ts";

/** Starts a worker of the ledger, which sees the folder of the file `path` and nothing else. */
export function openWorker(name: "writer" | "reader", url: URL, path: string): Worker {
  const folder = path.slice(0, path.lastIndexOf("/")) || ".";
  return new Worker(url, {
    type: "module",
    name: `ledger-${name}`,
    // SQLite's shared memory of WAL mode needs write access to the folder even for reading.
    deno: {
      permissions: {
        read: [folder],
        write: [folder],
        net: false,
        env: false,
        run: false,
        ffi: false,
        sys: false,
        import: false,
      },
    },
  });
}

/** Why nothing more is read or written. */
export function newClosedError(): AppError {
  return new AppError("unavailable", "The ledger is closed: the process is stopping");
}
