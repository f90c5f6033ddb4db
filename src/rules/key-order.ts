const SURROGATES = 0xd800;
const AFTER_SURROGATES = 0xe000;

/**
 * Orders keys by their UTF-8 bytes, as every reader of a log in any language does. JavaScript's own order differs: it
 * compares UTF-16 units and so puts what lies past U+FFFF before U+E000.
 */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Where a UTF-16 unit stands among the others by code point: surrogates mean code points past all the rest. */
function rank(unit: number): number {
  if (unit < SURROGATES) return unit;
  return unit < AFTER_SURROGATES ? unit + 0x2000 : unit - 0x800;
}
