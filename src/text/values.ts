/** Finds what a value is that others made. */

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * A copy of an object with what it inherits: options may be an instance of a class, whose getters belong to the
 * prototype. What every object inherits is left out, in any realm, and so are methods.
 */
export function withInherited<Value extends object>(value: Value): Value {
  const inherited: Record<string, unknown> = {};
  let from: object | null = Object.getPrototypeOf(value);
  for (
    ;
    from !== null && !Object.hasOwn(from, 'hasOwnProperty');
    from = Object.getPrototypeOf(from)
  ) {
    for (const [name, { get, enumerable }] of Object.entries(
      Object.getOwnPropertyDescriptors(from),
    )) {
      if (get !== undefined || enumerable) inherited[name] = value[name as keyof Value];
    }
  }
  return { ...inherited, ...value };
}
