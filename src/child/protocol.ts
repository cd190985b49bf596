// Both sides are ours and what crosses is typed: the child's own words are only ever text inside it, so nothing has to be
// checked, and the worker stays small.

/** What the host tells the worker of a child. */
export type ToChildWorker =
  | {
    readonly type: "start";
    readonly command: string;
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    readonly cwd: string;
  }
  /** A line for the child, without its end. */
  | { readonly type: "write"; readonly id: number; readonly line: string }
  /** The lines before were taken: the next may come. */
  | { readonly type: "more" }
  /** Nothing more will be written, and nobody listens any more. */
  | { readonly type: "end" };

/** What the worker of a child tells the host. */
export type FromChildWorker =
  | { readonly type: "started"; readonly pid: number }
  | { readonly type: "failed"; readonly message: string }
  | { readonly type: "lines"; readonly lines: readonly string[] }
  | { readonly type: "wrote"; readonly id: number; readonly fault?: string }
  /** The end of what stood on standard error so far. */
  | { readonly type: "stderr"; readonly tail: string }
  | { readonly type: "tooLong" }
  /** It has ended; what it started may still hold its pipes open. */
  | { readonly type: "leaving" }
  /** It has ended and all that it said was handed over. */
  | { readonly type: "exited"; readonly code: number; readonly signal: string | undefined; readonly tail: string };
