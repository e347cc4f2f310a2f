/** Texts that a regular expression matches, at random: for expressions of groups, classes and quantifiers. */

/** Reads an expression from `at` on; each part appends what it may mean. */
class Sampler {
  readonly #source: string;
  readonly #random: () => number;
  #at = 0;

  constructor(source: string, random: () => number) {
    this.#source = source;
    this.#random = random;
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)] as T;
  }

  /** One of the alternatives up to the end of a group. */
  alternatives(): string {
    const found = [this.#sequence()];
    while (this.#source[this.#at] === '|') {
      this.#at++;
      found.push(this.#sequence());
    }
    return this.#pick(found);
  }

  #sequence(): string {
    let text = '';
    while (this.#at < this.#source.length && !'|)'.includes(this.#source[this.#at] ?? '')) {
      const begin = this.#at;
      const first = this.#part();
      const end = this.#at;
      const quantifier = this.#source[end] ?? '';
      if (!'?*+'.includes(quantifier) || quantifier === '') {
        text += first;
        continue;
      }
      let times = Math.floor(this.#random() * (quantifier === '?' ? 2 : 4));
      if (quantifier === '+') times++;
      for (; times > 0; times--) {
        this.#at = begin;
        text += this.#part();
      }
      this.#at = end + 1;
    }
    return text;
  }

  #part(): string {
    const first = this.#source[this.#at++] ?? '';
    if (first === '^' || first === '$') return '';
    if (first === '.') return this.#pick(['a', 'b/c', 'X', '-', 'd.e']);
    if (first === '\\') return this.#escaped();
    if (first === '[') return this.#class();
    if (first !== '(') return first;
    const isAhead = this.#source.startsWith('?!', this.#at);
    if (this.#source[this.#at] === '?') this.#at += 2;
    const inside = this.alternatives();
    this.#at++; // the parenthesis
    return isAhead ? '' : inside;
  }

  #escaped(): string {
    const letter = this.#source[this.#at++] ?? '';
    return letter === 'w' ? this.#pick(['a', 'Z', '0', '_']) : letter;
  }

  #class(): string {
    const end = this.#source.indexOf(']', this.#at);
    const body = this.#source.slice(this.#at, end);
    this.#at = end + 1;
    if (body.startsWith('^')) return this.#pick(['a', 'n', '.x', 'N']);
    const all = [
      ...body
        .replaceAll('\\w', 'aZ_')
        .replaceAll(/\\(.)/g, '$1')
        .replaceAll(/(?<=.)-(?=.)/g, ''),
    ];
    return this.#pick(all);
  }
}

/** @param random from 0 to 1 */
export const sampleOf = (expression: RegExp, random: () => number): string =>
  new Sampler(expression.source, random).alternatives();
