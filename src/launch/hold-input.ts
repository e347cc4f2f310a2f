/** Streams of the caller's that become input. */

export const isIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function';

/**
 * Takes charge of a stream that is read later, or never. An error before that is reported when the stream is read, and
 * does not end the process.
 * @returns closes it, whatever was read of it
 */
export function holdInput(input: unknown): () => void {
  if (!isIterable(input)) return () => {};
  const { on } = input as { readonly on?: unknown };
  if (typeof on === 'function') on.call(input, 'error', () => {});
  return () => close(input);
}

/** Closes a stream of Node's or of the web; what else is read has an end of its own. */
export function close(input: object): void {
  const { destroy, cancel } = input as { readonly destroy?: unknown; readonly cancel?: unknown };
  if (typeof destroy === 'function') destroy.call(input);
  else if (typeof cancel === 'function') quietly(() => cancel.call(input));
}

/** Nothing waits for it, and there is no one left to tell. */
export function quietly(end: () => unknown): void {
  void (async () => end())().catch(() => {});
}
