/** Playground, panes. A searchable list of the decisions for every call. */
import type { ExplainedCall } from '../../../src/policy.js';
import { type Tone, toneOf } from '../actions.js';
import { byId, el } from '../dom.js';
import { Rows } from '../rows.js';

interface Row {
  readonly name: string;
  readonly number: number;
  readonly action: string;
  readonly tone: Tone;
  readonly why: string;
  readonly args: readonly bigint[];
  /** The words that a search looks through. */
  readonly words: string;
}

/** Pixels, wide and narrow. */
const rowHeight = 32;
const narrowHeight = 54;
const narrowBelow = 520;

function rowsOf(calls: readonly ExplainedCall[]): Row[] {
  return calls.flatMap(({ name, number, cases, runsFilter }) =>
    cases.map(({ action, actionText, rule, args }): Row => {
      const condition = /\bwhere\b.*/.exec(rule?.text ?? '')?.[0];
      const place =
        rule === undefined ? 'by default' : `line ${rule.line}${condition ? ` ${condition}` : ''}`;
      const why = runsFilter ? place : `${place} · no filter run from Linux 5.11 on`;
      const words = `${name} ${number} ${actionText} ${why}`.toLowerCase();
      return { name, number, action: actionText, tone: toneOf(action), why, args, words };
    }),
  );
}

const cell = (name: string, ...content: (Node | string)[]): HTMLElement =>
  el('span', { role: 'cell', class: name }, ...content);

export class DecisionsPane {
  readonly #host = byId('decisions');
  readonly #find = byId<HTMLInputElement>('decisions-find');
  readonly #count = byId('decisions-count');
  readonly #list: Rows;
  readonly #onPick: (name: string, args: readonly bigint[]) => void;
  #all: Row[] = [];
  #found: Row[] = [];

  constructor(onPick: (name: string, args: readonly bigint[]) => void) {
    this.#onPick = onPick;
    const head = el(
      'div',
      { class: 'row head', role: 'row' },
      ...[
        ['name', 'Call'],
        ['number', 'No.'],
        ['action', 'Decision'],
        ['why', 'Because'],
      ].map(([name, text]) => el('span', { role: 'columnheader', class: name }, text)),
    );
    const body = el('div', { role: 'rowgroup' });
    this.#host.append(el('div', { role: 'rowgroup', class: 'heads' }, head), body);
    this.#list = new Rows(this.#host, body, rowHeight, (index) => this.#row(index));
    this.#find.addEventListener('input', () => this.#filter());
    new ResizeObserver(() => this.#filter()).observe(this.#host);
  }

  /** Shows calls; undefined: there is no filter, or not yet. */
  show(calls: readonly ExplainedCall[] | undefined): void {
    this.#all = calls === undefined ? [] : rowsOf(calls);
    this.#filter();
  }

  #filter(): void {
    const words = this.#find.value.toLowerCase().split(/\s+/).filter(Boolean);
    this.#found = this.#all.filter((row) => words.every((word) => row.words.includes(word)));
    const many = this.#found.length;
    const all = this.#all.length;
    const shown = many === all ? String(all) : `${many} of ${all}`;
    this.#count.textContent = all === 0 ? 'no filter' : `${shown} cases`;
    const narrow = this.#host.clientWidth < narrowBelow;
    this.#host.classList.toggle('narrow', narrow);
    this.#host.setAttribute('aria-rowcount', String(many + 1));
    this.#list.reset(many, narrow ? narrowHeight : rowHeight);
  }

  #row(index: number): HTMLElement {
    const row = this.#found[index];
    if (row === undefined) return el('div', { class: 'row' });
    const pick = el('button', { type: 'button', class: 'link' }, row.name);
    pick.title = 'Try this call';
    pick.addEventListener('click', () => this.#onPick(row.name, row.args));
    const action = el('span', { class: `badge ${row.tone}` }, row.action);
    const line = el(
      'div',
      { class: 'row', role: 'row', 'aria-rowindex': index + 2 },
      cell('name', pick),
      cell('number', String(row.number)),
      cell('action', action),
      el('span', { role: 'cell', class: 'why', title: row.why }, row.why),
    );
    line.title = row.why;
    return line;
  }
}
