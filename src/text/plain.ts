/** Results that programs print and pass on: their values, and every field of them. */

/** The name under which util.inspect, and so console.log, asks an object for its text. */
const inspect = Symbol.for('nodejs.util.inspect.custom');

/** Shows the values of properties that are made when they are read; not a report, which would be most of it. */
function shown(this: object): object {
  return 'report' in this ? { ...this, report: '[RunReport]' } : { ...this };
}

/** JSON would leave out what is undefined, and a reader cannot tell that from a field of another version. */
function json(this: object): object {
  return Object.fromEntries(Object.entries(this).map(([name, value]) => [name, value ?? null]));
}

/** Prints as its values, and is written as JSON with `null` for what is undefined. */
export function plain<Result extends object>(result: Result): Result {
  const hidden = (value: unknown) => ({ value, configurable: true, writable: true });
  return Object.defineProperties(result, { [inspect]: hidden(shown), toJSON: hidden(json) });
}
