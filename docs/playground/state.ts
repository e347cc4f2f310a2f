/** Playground. The line below the editor: whether there is a filter, and whether it is proved. */
import type { Compilation } from './core/protocol.js';
import { byId } from './dom.js';

export type State =
  | { readonly kind: 'compiled'; readonly compilation: Compilation }
  | { readonly kind: 'working' | 'cancelled' | 'failed' }
  | { readonly kind: 'broken'; readonly message: string };

const count = (many: number, what: string): string => `${many} ${what}${many === 1 ? '' : 's'}`;

function describe(compilation: Compilation): { tone: string; text: string } {
  const { compiled, diagnostics, proofFailed, milliseconds } = compilation;
  const warnings = diagnostics.filter(({ severity }) => severity === 'warning').length;
  const more = warnings === 0 ? '' : `, ${count(warnings, 'warning')}`;
  if (proofFailed) {
    return { tone: 'bad', text: 'The proof failed: filter and policy differ, so there is none.' };
  }
  if (compiled === undefined) {
    const errors = diagnostics.length - warnings;
    return { tone: 'bad', text: `${count(errors, 'error')}${more}: no filter` };
  }
  const time = milliseconds < 1 ? '<1' : milliseconds.toFixed(0);
  return { tone: 'good', text: `Proved equal to the policy in ${time} ms${more}` };
}

export function showState(state: State): void {
  const host = byId('state');
  const button = byId<HTMLButtonElement>('cancel');
  const texts = {
    working: 'Compiling…',
    cancelled: 'Given up. Nothing is known of this policy until it is compiled.',
    failed: 'The policy core is missing',
  };
  const { tone, text } =
    state.kind === 'compiled'
      ? describe(state.compilation)
      : state.kind === 'broken'
        ? { tone: 'bad', text: state.message }
        : { tone: state.kind === 'working' ? '' : 'bad', text: texts[state.kind] };
  host.dataset.tone = tone;
  byId('state-text').textContent = text;
  button.hidden = state.kind !== 'working' && state.kind !== 'cancelled';
  button.textContent = state.kind === 'cancelled' ? 'Compile again' : 'Cancel';
}
