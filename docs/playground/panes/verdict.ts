/** Playground, panes. The decision about the call. */
import type { Decision } from '../../../src/policy.js';
import { consequence, toneOf } from '../actions.js';
import type { Verdict } from '../core/protocol.js';
import { byId, el } from '../dom.js';

const reasons: Readonly<Record<Decision['decidedBy'], string>> = {
  rule: '',
  default: 'No rule names this call, so the default applies.',
  unknown: 'The number is newer than the tables, so “unknown” applies.',
  foreign: 'The policy is not for this architecture, so the process is killed.',
  program: 'The filter decides.',
};

const shorten = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most - 1)}…` : text;

export class VerdictPane {
  readonly #host = byId('verdict');
  readonly #onGo: (line: number) => void;
  /** File name of the policy in the editor. */
  readonly #main: string;

  constructor(main: string, onGo: (line: number) => void) {
    this.#main = main;
    this.#onGo = onGo;
  }

  /** Marks the verdict as the answer to an earlier question; screen readers wait for the next. */
  markStale(): void {
    this.#host.setAttribute('aria-busy', 'true');
  }

  show(verdict: Verdict | undefined, without: string): void {
    this.#host.removeAttribute('aria-busy');
    if (verdict === undefined) {
      this.#put('', el('p', { class: 'none' }, without));
    } else if (verdict.problem !== undefined) {
      const { message, hint } = verdict.problem;
      const more = el('span', { class: 'hint' }, hint ?? '');
      this.#put('', el('p', { class: 'none' }, `${message}. `, more));
    } else {
      this.#put(toneOf(verdict.decision.action), ...this.#decision(verdict.decision));
    }
  }

  /** Changes nothing if the verdict is the same, so that screen readers do not repeat it. */
  #put(tone: string, ...content: HTMLElement[]): void {
    const text = content.map(({ textContent }) => textContent).join('');
    if (text === this.#host.textContent && tone === this.#host.dataset.tone) return;
    this.#host.dataset.tone = tone;
    this.#host.replaceChildren(...content);
  }

  #decision(decision: Decision): HTMLElement[] {
    const { action, actionText, name, number, arch, path, enforceable } = decision;
    const cost = `${name ?? 'call'} is number ${number} on ${arch}; ${path.length} instructions ran.`;
    const always = 'Recent kernels allow this call regardless of the filter.';
    return [
      el('p', { class: 'action' }, actionText),
      el('p', { class: 'consequence' }, consequence(action, actionText)),
      el('p', { class: 'why' }, ...this.#why(decision)),
      el('p', { class: 'cost' }, cost),
      ...(enforceable ? [] : [el('p', { class: 'cost' }, always)]),
    ];
  }

  #why({ decidedBy, rule }: Decision): (Node | string)[] {
    if (rule === undefined) return [reasons[decidedBy]];
    const text = el('code', {}, shorten(rule.text, 110));
    if (rule.file !== this.#main) return [`${rule.file}, line ${rule.line}: `, text];
    const go = el('button', { type: 'button', class: 'link' }, `Line ${rule.line}`);
    go.addEventListener('click', () => this.#onGo(rule.line));
    return [go, ': ', text];
  }
}
