/** Counts what was escaped. */

/** More kinds than these are not listed one by one. */
const maxKinds = 5;

export class Count {
  readonly #counts = new Map<string, number>();
  #total = 0;

  add(shown: string): void {
    this.#total++;
    this.#counts.set(shown, (this.#counts.get(shown) ?? 0) + 1);
  }

  get total(): number {
    return this.#total;
  }

  /** Returns text such as `<U+200B>, 2 x <U+202E>`, in the order in which they came. */
  get kinds(): string {
    const all = [...this.#counts];
    const listed = all
      .slice(0, maxKinds)
      .map(([shown, count]) => (count === 1 ? shown : `${count} x ${shown}`));
    return [...listed, ...(all.length > maxKinds ? ['…'] : [])].join(', ');
  }
}

export class Tally {
  /** Invisible characters. */
  readonly characters = new Count();
  /** Bytes that are not UTF-8. */
  readonly bytes = new Count();

  /** A phrase for each of the two where there were any. */
  notes(escaped: string): string[] {
    const note = ({ total, kinds }: Count, one: string, many: string): string[] =>
      total === 0 ? [] : [`${total} ${total === 1 ? one : many} ${escaped} ${kinds}`];
    return [
      ...note(this.characters, 'invisible character', 'invisible characters'),
      ...note(this.bytes, 'byte that is not UTF-8', 'bytes that are not UTF-8'),
    ];
  }
}
