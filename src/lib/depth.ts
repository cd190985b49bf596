/**
 * Whether a text of JSON nests lists and objects more than `levels` deep. Tells before it is parsed: hundreds of thousands
 * of brackets take a parser long, and overflow the stack of whoever writes the value down.
 */
export function isNestedDeeperThan(json: string, levels: number): boolean {
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    switch (json.charCodeAt(at)) {
      case quote:
        at = endOfString(json, at);
        break;
      case openList:
      case openObject:
        if (++depth > levels) return true;
        break;
      case closeList:
      case closeObject:
        depth--;
    }
  }
  return false;
}

const [quote, backslash, openList, closeList, openObject, closeObject] = [34, 92, 91, 93, 123, 125] as const;

/** Place of the quote that ends the string which begins at `start`; the text's end where none does. */
function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); end >= 0; end = json.indexOf('"', end + 1)) {
    let slashes = 0;
    while (json.charCodeAt(end - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return json.length;
}
