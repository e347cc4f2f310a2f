/** Playground, panes. The dialogue that turns another tool's profile into a policy. */
import type { ImportedPolicy, PolicyDiagnostic } from '../../../src/policy.js';
import { CoreProblem } from '../core/client.js';
import type { Questions } from '../core/protocol.js';
import { byId, el } from '../dom.js';
import { formatOptions } from '../format-options.js';

type Asked = Omit<Questions['import'][0], 'arch'>;

const place = (d: PolicyDiagnostic): string => `Line ${d.line}, column ${d.column}: ${d.message}.`;

export function setUpImport(
  ask: (input: Asked) => Promise<ImportedPolicy>,
  onDone: (policy: ImportedPolicy) => void,
): void {
  const dialog = byId<HTMLDialogElement>('import-dialog');
  const text = byId<HTMLTextAreaElement>('import-text');
  const problem = byId('import-problem');
  const formats = byId<HTMLSelectElement>('import-from');
  formats.append(...formatOptions());

  byId('import').addEventListener('click', () => {
    problem.replaceChildren();
    dialog.showModal();
    text.focus();
  });
  byId('import-cancel').addEventListener('click', () => dialog.close());

  const file = byId<HTMLInputElement>('import-file');
  file.addEventListener('change', async () => {
    const [chosen] = file.files ?? [];
    if (chosen !== undefined) text.value = await chosen.text();
    file.value = '';
  });

  byId('import-form').addEventListener('submit', async (event) => {
    event.preventDefault();
    problem.replaceChildren();
    const capabilities = byId<HTMLInputElement>('import-caps')
      .value.split(/[\s,]+/)
      .filter(Boolean);
    const from = formats.value as Asked['from'];
    const part = byId<HTMLInputElement>('import-part').value.trim() || undefined;
    try {
      onDone(await ask({ text: text.value, from, part, capabilities }));
      dialog.close();
    } catch (error) {
      const { diagnostics = [], hint } = error instanceof CoreProblem ? error.problem : {};
      const errors = diagnostics.filter(({ severity }) => severity === 'error');
      const lines = errors.length > 0 ? errors.map(place) : [`${(error as Error).message}.`];
      const more = errors[0]?.hint ?? hint ?? '';
      problem.replaceChildren(...[...lines, more].filter(Boolean).map((line) => el('p', {}, line)));
    }
  });
}
