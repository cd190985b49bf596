/** Whether `text` is one plain address: nothing in it can end a header, or name a second one. */
export function isAddress(text: string): boolean {
  return text.length <= 320 && /^[^\s\p{Cc}<>(),;:"[\]\\@]+@[A-Za-z0-9\u0080-\u{10ffff}.-]+$/u.test(text);
}

/** The part of an address behind the `@`. */
export function toDomain(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1);
}

/** Whether one of `patterns` names the address. `*` stands for any run of characters. */
export function matchesAddress(patterns: readonly string[], address: string): boolean {
  return patterns.some((pattern) => {
    const [first = "", ...rest] = pattern.split("*");
    if (rest.length === 0) return pattern === address;
    const last = rest.pop() ?? "";
    if (!address.startsWith(first) || !address.endsWith(last) || address.length < first.length + last.length) {
      return false;
    }
    let at = first.length;
    for (const part of rest) {
      const found = address.indexOf(part, at);
      if (found < 0 || found + part.length > address.length - last.length) return false;
      at = found + part.length;
    }
    return true;
  });
}
