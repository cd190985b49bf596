/** Whether a host name or address leads into this machine or network, as DNS says now. What cannot be resolved does not. */
export async function isPrivateHost(hostname: string): Promise<boolean> {
  const host = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  if (host === "localhost" || host.endsWith(".localhost") || host.endsWith(".local") || host.endsWith(".internal")) {
    return true;
  }
  if (/^[\d.]+$/.test(host) || host.includes(":")) return isPrivateAddress(host);
  const resolved = await Promise.all(
    (["A", "AAAA"] as const).map((type) => Deno.resolveDns(host, type).catch(() => [])),
  );
  return resolved.flat().some(isPrivateAddress);
}

/** Whether an IP address is none of the public internet (RFC 6890). `URL` has written it in its usual form before. */
export function isPrivateAddress(address: string): boolean {
  const text = address.toLowerCase();
  const mapped = /^::ffff:(?:([\d.]+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/.exec(text);
  if (mapped !== null) {
    const [, dotted, high = "0", low = "0"] = mapped;
    const bits = (parseInt(high, 16) << 16 | parseInt(low, 16)) >>> 0;
    return isPrivateAddress(dotted ?? [24, 16, 8, 0].map((shift) => bits >>> shift & 255).join("."));
  }
  if (text.includes(":")) {
    return text === "::" || text === "::1" || /^f[cd]/.test(text) || /^fe[89a-f]/.test(text) || /^ff/.test(text) ||
      text.startsWith("64:ff9b:");
  }
  const [a = 0, b = 0] = text.split(".").map(Number);
  return a === 0 || a === 10 || a === 127 || a >= 224 || a === 100 && b >= 64 && b < 128 || a === 169 && b === 254 ||
    a === 172 && b >= 16 && b < 32 || a === 192 && b === 168 || a === 192 && b === 0 ||
    a === 198 && (b === 18 || b === 19);
}
