import { expect, test } from 'vitest';
import { launchFailure } from '../../../src/leads/index.js';

type Told = Parameters<typeof launchFailure>;

test('processes that could not be ended are told apart from a sandbox that was killed', () => {
  const told = (kind: 'died' | 'left') =>
    launchFailure({} as Told[0], {} as Told[1], { kind } as Told[2], { runId: '0ab' });
  expect(told('died')?.message).toBe('the sandbox ended unexpectedly');
  expect(told('left')?.message).toContain('processes of its program are left');
  for (const kind of ['died', 'left'] as const) {
    expect(told(kind)?.code).toBe('ERR_INIT_DIED');
    expect(told(kind)?.hint).toContain('wasbox diff 0ab');
  }
});
