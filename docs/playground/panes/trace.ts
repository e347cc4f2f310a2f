/** Playground, panes. Replays an strace log against the policy. */
import type { Replay, ReplayedCall } from '../../../src/policy.js';
import { toneOf } from '../actions.js';
import { byId, el } from '../dom.js';
import { sampleLog } from '../examples.js';
import { Rows } from '../rows.js';

const rowHeight = 54;
/** Maximum size of a log file, in bytes. */
const longestLog = 16 << 20;

export class TracePane {
  readonly #log = byId<HTMLTextAreaElement>('log');
  readonly #table = byId('replayed');
  readonly #sum = byId('replay-sum');
  readonly #suggested = byId('suggested');
  readonly #list: Rows;
  readonly #ask: (log: string) => Promise<Replay>;
  #stopped: readonly ReplayedCall[] = [];

  constructor(ask: (log: string) => Promise<Replay>) {
    this.#ask = ask;
    const body = el('div', { role: 'rowgroup' });
    this.#table.append(body);
    this.#list = new Rows(this.#table, body, rowHeight, (index) => this.#row(index));
    byId('replay').addEventListener('click', () => void this.#replay());
    byId('log-sample').addEventListener('click', () => {
      this.#log.value = sampleLog;
      void this.#replay();
    });
    const file = byId<HTMLInputElement>('log-file');
    file.addEventListener('change', async () => {
      const [chosen] = file.files ?? [];
      if (chosen === undefined) return;
      if (chosen.size > longestLog) {
        this.#sum.textContent = `${chosen.name} is larger than 16 MiB. Use wasbox policy replay instead.`;
        return;
      }
      this.#log.value = await chosen.text();
      await this.#replay();
    });
  }

  /** Marks the result as that of an older policy. */
  forget(): void {
    if (this.#table.hidden) return;
    this.#table.hidden = true;
    this.#suggested.hidden = true;
    this.#sum.textContent = 'The policy has changed. Replay again.';
  }

  async #replay(): Promise<void> {
    try {
      this.#show(await this.#ask(this.#log.value));
    } catch (error) {
      this.#table.hidden = true;
      this.#suggested.hidden = true;
      this.#sum.textContent = `${(error as Error).message}.`;
    }
  }

  #show({ calls, stopped, groups, unknown, unread, firstUnread, arch }: Replay): void {
    this.#suggested.hidden = groups.length === 0;
    byId('suggested-rules').textContent = groups
      .map(({ suggestion }) => `${suggestion}\n`)
      .join('');
    const names = Object.keys(unknown);
    const more = names.length === 0 ? '' : ` Not on ${arch}: ${names.join(', ')}.`;
    const skipped =
      unread === 0
        ? ''
        : ` Skipped ${unread} unreadable line${unread === 1 ? '' : 's'}, the first is line ${firstUnread}.`;
    this.#sum.textContent =
      calls === 0
        ? `No system calls found in the log.${skipped}`
        : `${calls} calls on ${arch}: ${calls - stopped.length} allowed, ${stopped.length} not.${more}${skipped}`;
    this.#stopped = stopped;
    this.#table.hidden = stopped.length === 0;
    this.#list.reset(stopped.length);
  }

  #row(index: number): HTMLElement {
    const call = this.#stopped[index];
    if (call === undefined) return el('div', { class: 'row' });
    const { line, action, actionText, rule, guessed, text } = call;
    const reason = rule === undefined ? 'by default' : `line ${rule.line} of the policy`;
    const row = el(
      'div',
      { class: 'row traced', role: 'row' },
      el('span', { role: 'cell', class: 'number' }, String(line)),
      el('code', { role: 'cell', class: 'text' }, text.trim()),
      el(
        'span',
        { role: 'cell', class: 'reason' },
        el('span', { class: `badge ${toneOf(action)}` }, actionText),
        ` ${reason}${guessed ? '; an argument that the log does not show counts as 0' : ''}`,
      ),
    );
    row.title = text;
    return row;
  }
}
