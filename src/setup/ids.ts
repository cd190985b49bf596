import { idText } from "../config/scalars.ts";
import { didYouMean } from "../config/fault.ts";
import { AppError } from "../core/error.ts";

/** What is wrong with an id as a person wrote it; `undefined`: nothing. */
export function whyNoId(text: string): string | undefined {
  const parsed = idText.safeParse(text);
  return parsed.success ? undefined : parsed.error.issues[0]?.message;
}

/** An id as a flag has it. @throws {AppError} `invalid` */
export function toId(text: string, flag: string): string {
  const fault = whyNoId(text);
  if (fault === undefined) return text;
  throw new AppError("invalid", `${flag} ${JSON.stringify(text)} ${fault}`);
}

/** One of several words as a flag has it. @throws {AppError} `invalid` */
export function toOneOf<T extends string>(words: readonly T[], text: string, flag: string): T {
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  const hint = didYouMean(text, words) || ` It takes: ${words.join(", ")}`;
  throw new AppError("invalid", `${flag} ${JSON.stringify(text)} is not known.${hint}`);
}
