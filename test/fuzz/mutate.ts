import type { Random } from "../../src/platform/index.js";
import { integerBelow } from "../support/seed.js";

/** One of them. */
export function oneOf<T>(random: Random, choices: readonly [T, ...T[]] | readonly T[]): T {
  return choices[integerBelow(random, choices.length)] as T;
}

/** What parsers of text trip over: numbers out of all bounds, odd Unicode, line ends, and what stands for something somewhere. */
const ODDITIES = [
  "",
  "\r\n",
  "\r",
  "\n",
  "\0",
  "\t",
  " ",
  "\u{FEFF}",
  "\u2028",
  "\u00A0",
  "\u{1F600}",
  "\uD83D",
  "\uDE00",
  "\uFFFD",
  "e\u0301",
  "\u202E",
  "İ",
  "ß",
  "٣",
  "%",
  "%00",
  "%zz",
  "%F0%9F%98%80",
  "..",
  ".",
  "*",
  ">",
  "$",
  "@",
  ":",
  "//",
  "\\",
  "#",
  "?",
  ",",
  "[::1]",
  '"',
  "{}",
  "[]",
  "null",
  "true",
  "__proto__",
  "constructor",
  "--",
  "=",
  "-",
  "+",
  "0",
  "-0",
  "-1",
  "1.5",
  "00",
  "0x10",
  "1e999",
  "-1e999",
  "1e-999",
  "NaN",
  "Infinity",
  "9007199254740991",
  "9007199254740992",
  "9007199254740993",
  "9223372036854775807",
  "18446744073709551615",
  "18446744073709551616",
  "9".repeat(400),
] as const;

/** The same text with a few things done to it: cut, doubled, joined with another, bits flipped, oddities put in. */
export function mutatedText(random: Random, corpus: readonly string[]): string {
  let text = oneOf(random, corpus);
  for (let left = integerBelow(random, 4); left > 0; left -= 1) {
    text = textMutation(random, text, corpus);
  }
  return text;
}

function textMutation(random: Random, text: string, corpus: readonly string[]): string {
  const at = integerBelow(random, text.length + 1);
  const to = Math.min(text.length, at + integerBelow(random, 1 + integerBelow(random, 12)));
  const [before, within, after] = [text.slice(0, at), text.slice(at, to), text.slice(to)];
  switch (integerBelow(random, 9)) {
    case 0:
      return before + after;
    case 1:
      return before + within + within + after;
    case 2:
      return before + oneOf(random, ODDITIES) + text.slice(at);
    case 3:
      return before + oneOf(random, ODDITIES) + after;
    case 4: {
      const other = oneOf(random, corpus);
      return before + other.slice(integerBelow(random, other.length + 1));
    }
    case 5:
      return before + String.fromCharCode(integerBelow(random, 128)) + text.slice(at + 1);
    case 6:
      return (
        before +
        String.fromCharCode(text.charCodeAt(at) ^ (1 << integerBelow(random, 8))) +
        text.slice(at + 1)
      );
    case 7:
      return withNumber(random, text);
    default:
      return before;
  }
}

/** With one of its numbers a little, or altogether, another. */
function withNumber(random: Random, text: string): string {
  const numbers = [...text.matchAll(/\d+/g)];
  if (numbers.length === 0) return text;
  const { 0: digits, index } = oneOf(random, numbers);
  const number =
    random() < 0.5
      ? String(BigInt(digits.slice(0, 100)) + BigInt(integerBelow(random, 5) - 2))
      : oneOf(random, ODDITIES);
  return text.slice(0, index) + number + text.slice(index + digits.length);
}

/** The same bytes with a few things done to them. */
export function mutatedBytes(random: Random, bytes: Buffer, corpus: readonly Buffer[]): Buffer {
  let mutated: Buffer = Buffer.from(bytes);
  for (let left = integerBelow(random, 4); left > 0; left -= 1) {
    mutated = byteMutation(random, mutated, corpus);
  }
  return mutated;
}

function byteMutation(random: Random, bytes: Buffer, corpus: readonly Buffer[]): Buffer {
  const at = integerBelow(random, bytes.length + 1);
  const length = Math.min(bytes.length - at, integerBelow(random, 1 + integerBelow(random, 64)));
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at + length)];
  switch (integerBelow(random, 8)) {
    case 0:
      return Buffer.from(before);
    case 1:
      return Buffer.concat([before, after]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
    case 3: {
      const other = oneOf(random, corpus);
      return Buffer.concat([before, other.subarray(integerBelow(random, other.length + 1))]);
    }
    case 4:
      return Buffer.concat([before, Buffer.alloc(length), after]);
    case 5:
      return Buffer.concat([bytes, Buffer.alloc(integerBelow(random, 80))]);
    case 6:
      return withLength(random, bytes);
    default: {
      if (bytes.length === 0) return bytes;
      const bit = integerBelow(random, bytes.length * 8);
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      return bytes;
    }
  }
}

const LENGTHS = [
  0, 1, 10, 11, 0xff, 0x100, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
];

/** With two or four bytes made a number, or another by a little: what might be a length. */
function withLength(random: Random, bytes: Buffer): Buffer {
  const width = random() < 0.5 ? 2 : 4;
  if (bytes.length < width) return bytes;
  const at = integerBelow(random, bytes.length - width + 1);
  const near = bytes.readUIntLE(at, width) + integerBelow(random, 9) - 4;
  const number = random() < 0.5 ? near : oneOf(random, LENGTHS);
  bytes.writeUIntLE(((number % 2 ** (width * 8)) + 2 ** (width * 8)) % 2 ** (width * 8), at, width);
  return bytes;
}
