/** Playground. The line below the editor: whether there is a filter and the proof succeeded. */
import type { Compilation } from './core/protocol.js';
import { byId } from './dom.js';

export type State =
  | { readonly kind: 'compiled'; readonly compilation: Compilation }
  | { readonly kind: 'cancelled' | 'failed' }
  | { readonly kind: 'broken'; readonly message: string };

const count = (many: number, what: string): string => `${many} ${what}${many === 1 ? '' : 's'}`;

function describe(compilation: Compilation): { tone: string; text: string } {
  const { compiled, diagnostics, proofFailed, milliseconds } = compilation;
  const warnings = diagnostics.filter(({ severity }) => severity === 'warning').length;
  const more = warnings === 0 ? '' : `, ${count(warnings, 'warning')}`;
  if (proofFailed) {
    return {
      tone: 'bad',
      text: 'Proof failed: the filter differs from the policy, so there is no filter.',
    };
  }
  if (compiled === undefined) {
    const errors = diagnostics.length - warnings;
    return { tone: 'bad', text: `${count(errors, 'error')}${more}: no filter` };
  }
  const time = milliseconds < 1 ? '<1' : milliseconds.toFixed(0);
  return { tone: 'good', text: `Proved equal to the policy in ${time} ms${more}` };
}

const texts = {
  cancelled: 'Cancelled. Compile this policy to see its filter.',
  failed: 'The policy core is not loaded',
};

function tell(state: State): { tone: string; text: string } {
  if (state.kind === 'compiled') return describe(state.compilation);
  return { tone: 'bad', text: state.kind === 'broken' ? state.message : texts[state.kind] };
}

let last: State | undefined;
let working = false;

function render(): void {
  const host = byId('state');
  const button = byId<HTMLButtonElement>('cancel');
  const text = byId('state-text');
  if (working) {
    host.dataset.tone = '';
    text.textContent = 'Compiling…';
  } else if (last !== undefined) {
    const shown = tell(last);
    host.dataset.tone = shown.tone;
    text.textContent = shown.text;
  }
  button.hidden = !working && last?.kind !== 'cancelled';
  button.textContent = working ? 'Cancel' : 'Compile again';
}

/** Shows whether there is a filter. */
export function showState(state: State): void {
  last = state;
  render();
}

/** Shows whether the core has been at work for long; the state is shown again when it ends. */
export function showWork(long: boolean): void {
  if (long === working) return;
  working = long;
  render();
}
