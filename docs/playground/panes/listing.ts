/** Playground, panes. The filter instruction by instruction, with the policy's lines above them. */
import type { FilterInstruction, PolicyRule } from '../../../src/policy.js';
import type { Compilation } from '../core/protocol.js';
import { byId, el } from '../dom.js';
import { Rows } from '../rows.js';

type Line =
  | { readonly rule: PolicyRule; readonly at?: undefined }
  | { readonly at: number; readonly instruction: FilterInstruction };

const lineHeight = 24;

export class ListingPane {
  readonly #host = byId('listing');
  readonly #onlyPath = byId<HTMLInputElement>('listing-path');
  readonly #list: Rows;
  readonly #main: string;
  readonly #onGo: (line: number) => void;
  #compilation: Compilation | undefined;
  #path = new Set<number>();
  #lines: Line[] = [];

  constructor(main: string, onGo: (line: number) => void) {
    this.#main = main;
    this.#onGo = onGo;
    const body = el('div');
    this.#host.append(body);
    this.#list = new Rows(this.#host, body, lineHeight, (index) => this.#row(index));
    this.#onlyPath.addEventListener('change', () => this.#fill());
  }

  show(compilation: Compilation | undefined): void {
    this.#compilation = compilation;
    const count = compilation?.compiled?.instructions;
    byId('listing-size').textContent = count === undefined ? '' : `${count} instructions`;
    this.#fill();
  }

  mark(path: readonly number[]): void {
    this.#path = new Set(path);
    this.#fill();
    const end = path.at(-1);
    const at = this.#lines.findIndex((line) => line.at !== undefined && line.at === end);
    if (at >= 0) this.#list.reveal(at);
  }

  /** Brings an instruction into view. */
  reveal(at: number): void {
    this.#onlyPath.checked = false;
    this.#fill();
    const index = this.#lines.findIndex((line) => line.at === at);
    if (index >= 0) this.#list.reveal(index);
  }

  #fill(): void {
    const { compiled, instructions = [] } = this.#compilation ?? {};
    const only = this.#onlyPath.checked;
    const lines: Line[] = [];
    let last: number | undefined;
    for (const [at, instruction] of instructions.entries()) {
      if (only && !this.#path.has(at)) continue;
      const origin = compiled?.origins[at];
      const rule = origin === undefined || origin === last ? undefined : compiled?.rules[origin];
      last = origin;
      if (rule !== undefined) lines.push({ rule });
      lines.push({ at, instruction });
    }
    this.#lines = lines;
    this.#list.reset(lines.length);
  }

  #row(index: number): HTMLElement {
    const line = this.#lines[index];
    if (line === undefined) return el('div', { class: 'insn', role: 'listitem' });
    if (line.at === undefined) return this.#rule(line.rule);
    const { at, instruction } = line;
    const ran = this.#path.has(at);
    const [code = '', note] = instruction.text.split('  # ');
    const row = el(
      'div',
      { class: ran ? 'insn ran' : 'insn', role: 'listitem' },
      el('span', { class: 'at' }, String(at)),
      el('span', { class: 'asm' }, code),
      note !== undefined && el('span', { class: 'means' }, note),
      ran && el('span', { class: 'hidden' }, ' (ran)'),
    );
    return row;
  }

  #rule({ file, line, text }: PolicyRule): HTMLElement {
    const here = file === this.#main;
    const go = el('button', { type: 'button', class: 'link', disabled: !here });
    go.textContent = here ? `line ${line}` : `${file}:${line}`;
    go.addEventListener('click', () => this.#onGo(line));
    const row = el('div', { class: 'insn rule', role: 'listitem' }, go, el('span', {}, text));
    row.title = text;
    return row;
  }
}
