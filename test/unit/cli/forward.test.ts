/** Signals to a command that Node carries out, before and after its program was started. */
import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { forwardSignals } from '../../../src/cli/forward.js';

const { SIGINT, SIGHUP, SIGUSR1 } = constants.signals;

test('a signal that came before the program was started is given to it, in its order', () => {
  const got: number[] = [];
  const forwarding = forwardSignals();
  try {
    process.emit('SIGUSR1', 'SIGUSR1');
    process.emit('SIGINT', 'SIGINT');
    expect(got).toEqual([]);
    forwarding.to({ signal: (number) => got.push(number) });
    expect(got).toEqual([SIGUSR1, SIGINT]);
    process.emit('SIGHUP', 'SIGHUP');
    expect(got).toEqual([SIGUSR1, SIGINT, SIGHUP]);
  } finally {
    forwarding.end();
  }
  expect(process.listenerCount('SIGINT')).toBe(0);
});
