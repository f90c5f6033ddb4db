/**
 * SipHash-1-3 of a key, the upper half folded onto the lower: whoever chooses keys but does not know the seed cannot make
 * them collide, and it needs nothing but 64-bit additions, rotations and xors, which WASM has (the faster wyhash needs the
 * high half of a 128-bit product, which it has not).
 */
let seed0: u64 = 0;
let seed1: u64 = 0;

/** splitmix64's finish: spreads a short seed over a word. */
function spread(value: u64): u64 {
  value = (value ^ (value >>> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >>> 27)) * 0x94d049bb133111eb;
  return value ^ (value >>> 31);
}

export function openHash(seed: u32): void {
  seed0 = spread(<u64>seed + 0x9e3779b97f4a7c15);
  seed1 = spread(<u64>seed + 0x3c6ef372fe94f82a);
}

/** The last bytes, fewer than eight, below the length's lowest byte. */
function lastWord(at: u32, left: u32, bytes: u32): u64 {
  let word = (<u64>bytes) << 56;
  for (let index: u32 = 0; index < left; index += 1) {
    word |= (<u64>load<u8>(at + index)) << ((<u64>index) << 3);
  }
  return word;
}

export function hashKey(from: u32, bytes: u32): u32 {
  let v0 = seed0 ^ 0x736f6d6570736575;
  let v1 = seed1 ^ 0x646f72616e646f6d;
  let v2 = seed0 ^ 0x6c7967656e657261;
  let v3 = seed1 ^ 0x7465646279746573;
  const whole = bytes >>> 3;
  // One round for each whole word and for the last, then three more, which take in nothing.
  for (let round: u32 = 0; round < whole + 4; round += 1) {
    let word: u64 = 0;
    if (round < whole) word = load<u64>(from + (round << 3));
    else if (round === whole) word = lastWord(from + (whole << 3), bytes & 7, bytes);
    else if (round === whole + 1) v2 ^= 0xff;
    v3 ^= word;
    v0 += v1;
    v1 = rotl(v1, 13) ^ v0;
    v0 = rotl(v0, 32);
    v2 += v3;
    v3 = rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = rotl(v1, 17) ^ v2;
    v2 = rotl(v2, 32);
    v0 ^= word;
  }
  const sum = v0 ^ v1 ^ v2 ^ v3;
  return (<u32>sum) ^ (<u32>(sum >>> 32));
}
