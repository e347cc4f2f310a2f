/** Playground. How actions are shown: a colour class and a sentence. */
import type { PolicyAction } from '../../src/policy.js';

/** `pass`: the call runs; `refuse`: it does not; `kill`: the caller is killed as well; `ask`. */
export type Tone = 'pass' | 'refuse' | 'kill' | 'ask';

const tones: Readonly<Record<PolicyAction['kind'], Tone>> = {
  allow: 'pass',
  log: 'pass',
  notify: 'ask',
  trace: 'ask',
  errno: 'refuse',
  trap: 'refuse',
  kill_thread: 'kill',
  kill_process: 'kill',
};

export const toneOf = ({ kind }: PolicyAction): Tone => tones[kind];

/** Tone of an action by its word in a policy. */
export function toneOfWord(word: string): Tone | undefined {
  if (word === 'deny') return 'refuse';
  if (word === 'kill') return 'kill';
  return Object.hasOwn(tones, word) ? tones[word as PolicyAction['kind']] : undefined;
}

/** Says what happens to the caller. */
export function consequence(action: PolicyAction, text: string): string {
  switch (action.kind) {
    case 'allow':
      return 'The call runs.';
    case 'log':
      return 'The call runs, and the kernel logs it.';
    case 'notify':
      return 'A supervisor answers instead of the kernel.';
    case 'trace':
      return 'A tracer decides; without one, the call fails with ENOSYS.';
    case 'errno':
      return `The call fails with ${text.slice(6, -1)}.`;
    case 'trap':
      return 'The call does not run; the thread gets SIGSYS.';
    case 'kill_thread':
      return 'The call does not run; the kernel kills the thread.';
    case 'kill_process':
      return 'The call does not run; the kernel kills the process with SIGSYS.';
  }
}
