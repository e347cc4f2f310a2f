/** Playground, panes. Errors and warnings of the policy, with their places and fixes. */
import type { PolicyDiagnostic } from '../../../src/policy.js';
import { byId, el } from '../dom.js';

export interface ProblemHandlers {
  readonly onGo: (diagnostic: PolicyDiagnostic) => void;
  readonly onApply: (diagnostic: PolicyDiagnostic) => void;
}

function item(d: PolicyDiagnostic, main: string, { onGo, onApply }: ProblemHandlers): HTMLElement {
  const here = d.file === main;
  const place = `${here ? '' : `${d.file}:`}${d.line}:${d.column}`;
  const go = el('button', { type: 'button', class: 'link place', disabled: !here }, place);
  go.title = `line ${d.line}, column ${d.column}`;
  go.addEventListener('click', () => onGo(d));
  const apply = el('button', { type: 'button', class: 'small' }, `Use ${d.suggestion}`);
  apply.addEventListener('click', () => onApply(d));
  return el(
    'li',
    { class: d.severity },
    go,
    el(
      'span',
      { class: 'said' },
      el('span', { class: 'severity' }, d.severity),
      ` ${d.message}. `,
      d.hint !== undefined && el('span', { class: 'hint' }, d.hint),
    ),
    here && d.suggestion !== undefined && apply,
  );
}

export function showProblems(
  diagnostics: readonly PolicyDiagnostic[],
  main: string,
  handlers: ProblemHandlers,
): void {
  const list = byId('problems');
  list.hidden = diagnostics.length === 0;
  list.replaceChildren(...diagnostics.map((d) => item(d, main, handlers)));
}
