import type { Random } from "../platform/index.js";

const REGIONS = ["eu-1", "eu-2", "us-1", "us-2", "ap-1"] as const;
const TIERS = ["web", "api", "auth", "media"] as const;
const CERTIFICATE_BYTES = 600;
const HEX_DIGITS = 16;

/** Kinds of keys, most frequent first, by the remainder of their number. */
const KINDS = 10;

/** The demo bucket's key of this number, such as `edge.eu-1.web-017`; another for each number. */
export function demoKey(index: number): string {
  const number = String(Math.floor(index / KINDS)).padStart(3, "0");
  const region = pick(REGIONS, index);
  switch (index % KINDS) {
    case 0:
      return `certs.${region}.site-${number}`;
    case 1:
    case 2:
      return `flags.checkout.experiment-${number}-${index % KINDS}`;
    case 3:
      return `sessions.${region}.gateway-${number}`;
    default:
      return `edge.${region}.${pick(TIERS, index)}-${number}-${index % KINDS}`;
  }
}

/** What might be stored there: JSON, or for a certificate a block of text. */
export function demoValue(index: number, random: Random): Uint8Array {
  switch (index % KINDS) {
    case 0:
      return bytes(certificate(random));
    case 1:
    case 2:
      return json({ enabled: random() < 0.5, share: Math.round(random() * 100) / 100 });
    case 3:
      return json({ sessions: whole(random, 5000), draining: random() < 0.05 });
    default:
      return json({
        upstream: `10.${whole(random, 256)}.${whole(random, 256)}.${whole(random, 256)}:8080`,
        weight: whole(random, 100),
        region: pick(REGIONS, index),
        healthy: random() < 0.97,
      });
  }
}

function certificate(random: Random): string {
  const digits = Array.from({ length: CERTIFICATE_BYTES }, () =>
    whole(random, HEX_DIGITS).toString(HEX_DIGITS),
  );
  return `-----BEGIN DEMO CERTIFICATE-----\n${digits.join("")}\n-----END DEMO CERTIFICATE-----\n`;
}

function pick<T>(choices: readonly T[], index: number): T {
  return choices[Math.floor(index / KINDS) % choices.length] as T;
}

function whole(random: Random, below: number): number {
  return Math.floor(random() * below);
}

function json(value: unknown): Uint8Array {
  return bytes(JSON.stringify(value));
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
