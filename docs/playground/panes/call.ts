/** Playground, panes. The call to try: its name, and a field for each argument that it takes. */
import type { CallArgument, ListedCall } from '../../../src/policy.js';
import type { Tables } from '../core/protocol.js';
import { byId, el } from '../dom.js';

const generic = Array.from(
  { length: 6 },
  (_, i): CallArgument => ({
    name: `arg${i}`,
    alias: undefined,
    type: 'u64',
    bits: 64,
    constants: undefined,
    byCommand: undefined,
  }),
);

const isNumber = (name: string): boolean => /^(0x[\da-f]+|\d+)$/i.test(name);

export class CallForm {
  readonly #name = byId<HTMLInputElement>('call');
  readonly #fields = byId('arguments');
  readonly #onChange: () => void;
  #tables: Tables | undefined;
  #shown = '';
  /** The values that the user typed, kept for fields that disappear and come back. */
  #values: string[] = [];

  constructor(onChange: () => void) {
    this.#onChange = onChange;
    this.#name.addEventListener('input', () => {
      this.#values = [];
      this.#build();
      onChange();
    });
    byId('call-form').addEventListener('submit', (event) => {
      event.preventDefault();
      onChange();
    });
  }

  get name(): string {
    return this.#name.value.trim();
  }

  get args(): readonly string[] {
    return this.#values;
  }

  focus(): void {
    this.#name.focus();
    this.#name.select();
  }

  set(name: string, args: readonly string[]): void {
    this.#name.value = name;
    this.#values = [...args];
    this.#build(true);
  }

  /** Returns whether they have changed. */
  setTables(tables: Tables): boolean {
    if (tables === this.#tables) return false;
    this.#tables = tables;
    const options = tables.calls.map(({ name, number }) =>
      el('option', { value: name, label: String(number) }),
    );
    byId('call-names').replaceChildren(...options);
    for (const list of document.querySelectorAll('datalist.constants')) list.remove();
    this.#build(true);
    return true;
  }

  #call(): ListedCall | undefined {
    const { name } = this;
    return this.#tables?.calls.find((call) =>
      isNumber(name) ? call.number === Number(name) : call.name === name,
    );
  }

  #build(anew = false): void {
    const call = this.#call();
    const args = call?.arguments ?? (isNumber(this.name) ? generic : []);
    const shape = args.map(({ name, type }) => `${name}:${type}`).join();
    if (shape === this.#shown && !anew) return;
    this.#shown = shape;
    if (args.length > 0 || call !== undefined) this.#values.length = args.length;
    const at = [...this.#fields.querySelectorAll('input')].find(
      (input) => input === document.activeElement,
    );
    this.#fields.replaceChildren(...args.map((arg, i) => this.#field(arg, i)));
    if (at !== undefined) this.#stayAt(at);
  }

  /** The names of another architecture may arrive while someone types an argument. */
  #stayAt({ id, selectionStart, selectionEnd }: HTMLInputElement): void {
    const input = this.#fields.querySelector<HTMLInputElement>(`#${id}`);
    input?.focus();
    input?.setSelectionRange(selectionStart, selectionEnd);
  }

  #field({ name, type, constants }: CallArgument, index: number): HTMLElement {
    const id = `argument-${index}`;
    const input = el('input', {
      id,
      value: this.#values[index] ?? '',
      placeholder: type === 'pointer' ? 'address' : '0',
      autocomplete: 'off',
      autocapitalize: 'off',
      spellcheck: false,
    });
    if (constants !== undefined) input.setAttribute('list', this.#list(constants));
    input.addEventListener('input', () => {
      this.#values[index] = input.value;
      this.#onChange();
    });
    const label = el('label', { for: id }, name, ' ', el('span', { class: 'type' }, type));
    return el('div', { class: 'argument' }, label, input);
  }

  /** The constants of a set as suggestions, made once. */
  #list(set: string): string {
    const id = `constants-${set}`;
    if (document.getElementById(id) === null) {
      const options = (this.#tables?.constants.get(set) ?? []).map(({ name, value }) =>
        el('option', { value: name, label: `0x${value.toString(16)}` }),
      );
      byId('call-form').append(el('datalist', { id, class: 'constants' }, ...options));
    }
    return id;
  }
}
