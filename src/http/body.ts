import type { z } from "zod";
import { AppError } from "../core/error.ts";

/**
 * Reads a request's body as text, at most `maxBytes` of it.
 *
 * @throws {AppError} `invalid`, reason `body_too_large` or `truncated_body`.
 */
export async function readText(request: Request, maxBytes: number): Promise<string> {
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > maxBytes) throw newTooLargeError(maxBytes);
  try {
    // The server holds a client to the length that it declared, so counting is only needed where it declared none.
    return declared === null ? await readCounted(request, maxBytes) : await request.text();
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("invalid", "Cannot read the request: its body ended too early. Send it again", {
      cause: error,
      reason: "truncated_body",
    });
  }
}

/**
 * Reads a request's body as JSON of `schema`, at most `maxBytes` of it.
 *
 * @throws {AppError} `invalid`, reason `body_too_large`, `truncated_body`, `bad_json` or `bad_request`.
 */
export async function readJson<S extends z.ZodType>(
  request: Request,
  maxBytes: number,
  schema: S,
): Promise<z.output<S>> {
  const text = await readText(request, maxBytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The parser's own message quotes the body, which may hold a token.
    const found = text.trim() === "" ? "is empty" : "is not complete, valid JSON";
    throw new AppError("invalid", `Cannot read the request: its body ${found}`, { cause: error, reason: "bad_json" });
  }
  return parseRequest(schema, value);
}

/**
 * Checks a body, or the parameters of a query, against `schema`.
 *
 * @throws {AppError} `invalid`, reason `bad_request`, naming each field that is wrong.
 */
export function parseRequest<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.slice(0, 5).map((issue) =>
    issue.path.length === 0 ? issue.message : `${issue.path.join(".")}: ${issue.message}`
  );
  throw new AppError("invalid", `Cannot take the request: ${faults.join("; ")}`, { reason: "bad_request" });
}

async function readCounted(request: Request, maxBytes: number): Promise<string> {
  if (request.body === null) return "";
  const decoder = new TextDecoder();
  let sizeBytes = 0;
  let text = "";
  for await (const chunk of request.body) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxBytes) throw newTooLargeError(maxBytes);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function newTooLargeError(maxBytes: number): AppError {
  return new AppError(
    "invalid",
    `The request body is larger than ${maxBytes} bytes. Send less, or raise http.max_body_bytes in runtime.yaml`,
    { reason: "body_too_large" },
  );
}
