import { AppError, toAppError } from "../core/error.ts";
import type { Sdk } from "./sdk.ts";

/**
 * What the MCP library throws, in our words. The message may come before a model: it holds nothing that the server said.
 * For the operator that is in {@linkcode sayDetail}.
 */
export function toMcpError(thrown: unknown, sdk: Sdk, server: string): AppError {
  if (thrown instanceof AppError) return thrown;
  const at = `The MCP server ${server}`;
  const newError = (kind: AppError["kind"], message: string, reason?: string) =>
    new AppError(kind, `${at} ${message}`, { cause: thrown, ...(reason === undefined ? {} : { reason }) });
  if (thrown instanceof sdk.UnauthorizedError) {
    return newError("denied", `wants a login. Run: agent mcp login ${server}`, "login_needed");
  }
  if (thrown instanceof sdk.SdkHttpError) {
    const { status } = thrown;
    if (status === 404) return newError("unavailable", "knows no such session or address (HTTP 404)", "session_lost");
    return status === 401 || status === 403
      ? newError("denied", `refuses us (HTTP ${status}). Check its headers or oauth in mcp.yaml`)
      : newError("unavailable", `answered HTTP ${status}`);
  }
  if (thrown instanceof sdk.SdkError) {
    switch (thrown.code) {
      case sdk.SdkErrorCode.RequestTimeout:
        return newError("timeout", "did not answer in time");
      case sdk.SdkErrorCode.ConnectionClosed:
      case sdk.SdkErrorCode.NotConnected:
      case sdk.SdkErrorCode.SendFailed:
        return newGoneError(server, thrown);
    }
    return newError("unavailable", "does not speak MCP as it should");
  }
  if (thrown instanceof sdk.ProtocolError) return newError("invalid", "refused", "server_refused");
  const { kind, message } = toAppError(thrown);
  if (kind === "unavailable") return newError(kind, "cannot be reached");
  // Whatever else a stranger's server makes the library throw is no defect of ours.
  return kind === "bug" ? newError("unavailable", "cannot be used") : newError(kind, message);
}

/** The error of a call whose server ended meanwhile. */
export function newGoneError(server: string, cause: unknown): AppError {
  return new AppError("unavailable", `The MCP server ${server} went away during the call; what it did is unknown`, {
    cause,
    reason: "outcome_unknown",
  });
}

/** What a server or the network said, in one line for the operator. */
export function sayDetail(thrown: unknown): string | undefined {
  if (thrown instanceof AppError) return sayDetail(thrown.cause);
  if (!(thrown instanceof Error)) return undefined;
  // What the network said stands below what fetch() makes of it.
  const whole = thrown.cause instanceof Error ? `${thrown.message}: ${thrown.cause.message}` : thrown.message;
  // deno-lint-ignore no-control-regex -- control characters are what is to be taken out
  const line = whole.replace(/[\u0000-\u001f\u007f]+/g, " ").trim().slice(0, 300);
  return line === "" ? undefined : line;
}
