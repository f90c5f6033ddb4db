/** Whether bytes are UTF-8 as Unicode defines it: no overlong forms, no surrogates, nothing past U+10FFFF. */
export function isUtf8(from: u32, bytes: u32): bool {
  let at = from;
  const stop = from + bytes;
  while (at < stop) {
    if (stop - at >= 16 && !v128.any_true(v128.and(v128.load(at), i8x16.splat(-128)))) {
      at += 16;
      continue;
    }
    const first = <u32>load<u8>(at);
    if (first < 0x80) {
      at += 1;
      continue;
    }
    const length = sequenceBytes(at, stop - at, first);
    if (length === 0) return false;
    at += length;
  }
  return true;
}

/** Bytes of the character at `at`, which is not ASCII; 0 where there is none. */
function sequenceBytes(at: u32, left: u32, first: u32): u32 {
  if (first < 0xc2 || first > 0xf4 || left < 2) return 0;
  const second = <u32>load<u8>(at, 1);
  if (first < 0xe0) return follows(second) ? 2 : 0;
  const least: u32 = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most: u32 = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most || left < 3 || !follows(load<u8>(at, 2))) return 0;
  if (first < 0xf0) return 3;
  return left >= 4 && follows(load<u8>(at, 3)) ? 4 : 0;
}

function follows(byte: u32): bool {
  return (byte & 0xc0) === 0x80;
}
