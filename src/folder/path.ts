import { AppError } from "../core/error.ts";

const pathBound = 400;
/** File systems take 255 bytes; four bytes a character is the most. */
const nameBound = 60;
const depthBound = 8;

/**
 * Checks a path inside a folder and gives it in its one form (NFC). Names may be of any language; hidden files,
 * `..`, absolute paths and whatever means something to a file system are refused.
 *
 * @throws {AppError} `denied`, reason `path`.
 */
export function toInnerPath(text: string): string {
  const path = text.normalize("NFC");
  const fault = faultOf(path);
  if (fault === undefined) return path;
  throw new AppError("denied", `Cannot use the path ${JSON.stringify(text.slice(0, 100))}: ${fault}`, {
    reason: "path",
  });
}

/** Whether {@linkcode toInnerPath} takes the path as it is. */
export function isInnerPath(path: string): boolean {
  return path === path.normalize("NFC") && faultOf(path) === undefined;
}

function faultOf(path: string): string | undefined {
  if (path === "") return "it is empty";
  if (path.length > pathBound) return `it is longer than ${pathBound} characters`;
  if (path.startsWith("/")) return "it is absolute; name the file from the workspace's own folder";
  const names = path.split("/");
  if (names.length > depthBound) return `it is deeper than ${depthBound} folders`;
  for (const name of names) {
    if (name === "") return "a part of it is empty";
    if (name.startsWith(".")) return "no part of it may begin with a dot";
    if (name.length > nameBound) return `a part of it is longer than ${nameBound} characters`;
    if (/[\p{C}\p{Zl}\p{Zp}\\:*?"<>|]/u.test(name)) return "it holds a character that file names must not have";
    if (/[. ]$/.test(name)) return "no part of it may end with a dot or a space";
  }
  return undefined;
}
