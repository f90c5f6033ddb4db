/**
 * - `lost`: what was acknowledged, or lies before a position, is not there.
 * - `wrong`: something is there that was never so, or not at that position.
 * - `back`: a position, or a key that somebody reads, went back.
 * - `stuck`: something did not come within its deadline.
 */
export const violationKinds = ["lost", "wrong", "back", "stuck"] as const;
export type ViolationKind = (typeof violationKinds)[number];

/** Something that is not as promised. */
export class Violation extends Error {
  readonly kind: ViolationKind;

  constructor(kind: ViolationKind, message: string) {
    super(`${kind}: ${message}`);
    this.kind = kind;
  }
}

export function demand(condition: boolean, kind: ViolationKind, message: string): void {
  if (!condition) throw new Violation(kind, message);
}
