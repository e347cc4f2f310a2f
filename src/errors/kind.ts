/**
 * Tells which class an error is of, by a property that every copy of wasbox gives its errors: a program may have loaded
 * two, for example `wasbox` and `wasbox/policy`, or one bundled and one not.
 */

/** The kinds of an error, from its own class to the base class. */
export const kindsOf: unique symbol = Symbol.for('wasbox.error.kinds') as never;

/** A class of errors. */
export interface Kinded {
  readonly kind: string;
}

/** Implements `Symbol.hasInstance`. A class that a program derives has no kind of its own: the usual check decides. */
export function matchesKind(one: Kinded & object, value: unknown): boolean {
  if (!Object.hasOwn(one, 'kind')) return Function.prototype[Symbol.hasInstance].call(one, value);
  if (typeof value !== 'object' || value === null) return false;
  const kinds = (value as { readonly [kindsOf]?: unknown })[kindsOf];
  return Array.isArray(kinds) && kinds.includes(one.kind);
}
