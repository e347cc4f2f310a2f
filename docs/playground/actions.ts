/** Playground. How actions are told: a colour class, and a sentence for people. */
import type { PolicyAction } from '../../src/policy.js';

/** `pass`: the call is made; `refuse`: it is not; `kill`: nor does the caller live on; `ask`. */
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

/** What happens to the caller. */
export function consequence(action: PolicyAction, text: string): string {
  switch (action.kind) {
    case 'allow':
      return 'The kernel makes the call.';
    case 'log':
      return 'The kernel makes the call and writes it to its log.';
    case 'notify':
      return 'A supervisor is asked and answers in the kernel’s place.';
    case 'trace':
      return 'A tracer is asked; without one the call fails with ENOSYS.';
    case 'errno':
      return `The call is not made; the program is told ${text.slice(6, -1)}.`;
    case 'trap':
      return 'The call is not made; the thread gets SIGSYS.';
    case 'kill_thread':
      return 'The call is not made; the thread ends.';
    case 'kill_process':
      return 'The call is not made; the process ends with SIGSYS.';
  }
}
