import { describe, expect, it } from 'vitest';
import type { StreamKind } from '../../../src/host/index.js';
import type { ResolveOptions } from '../../../src/options/run-options.js';
import type { FakeMachine } from './fake-host.js';
import { refusal, resolve } from './support.js';

type Streams = readonly [StreamKind, StreamKind, StreamKind];

const guards = (options: ResolveOptions, streams: Streams) => resolve(options, { streams }).guards;
const terminals: Streams = ['terminal', 'terminal', 'terminal'];

describe('guards', () => {
  it.each<[string, ResolveOptions, Streams, string[]]>([
    ['files that are only read', {}, ['read-only-file', 'pipe', 'memory-device'], []],
    ['files that can be changed', {}, ['file', 'file', 'pipe'], ['stdin', 'stdout']],
    ['output that leads through wasbox', { outputBytes: 1 }, ['file', 'file', 'file'], ['stdin']],
    ['a terminal of its own', { tty: 'always' }, ['file', 'file', 'file'], ['stderr']],
    ['questions', { ask: () => 'deny' }, ['pipe', 'pipe', 'pipe'], ['what --ask allows']],
  ])('%s', (_, options, streams, files) => {
    expect(guards(options, streams).files).toEqual(files);
  });

  it.each<[ResolveOptions['tty'], Streams, boolean]>([
    ['never', terminals, true],
    ['auto', terminals, false],
    ['always', terminals, false],
    // The keyboard is shared with whatever reads the pipe.
    ['auto', ['terminal', 'pipe', 'terminal'], true],
    ['auto', ['terminal', 'file', 'terminal'], false],
    ['never', ['pipe', 'pipe', 'memory-device'], false],
  ])('a terminal of the caller’s with --tty %s and %j: %s', (tty, streams, given) => {
    expect(guards({ tty }, streams).terminal).toBe(given);
  });

  it.each<[ResolveOptions['net'], Streams, boolean]>([
    ['none', ['pipe', 'pipe', 'pipe'], false],
    ['none', ['socket', 'pipe', 'pipe'], true],
    ['host', ['socket', 'pipe', 'pipe'], false],
    ['example.com', ['pipe', 'pipe', 'pipe'], true],
  ])('sockets with --net %s and %j: %s', (net, streams, sockets) => {
    expect(guards({ net }, streams).sockets).toBe(sockets);
  });
});

describe('--ask at a terminal', () => {
  const asked = (machine: FakeMachine, tty: ResolveOptions['tty'] = 'auto') => {
    const { terminal, asking } = resolve({ ask: true, tty }, machine);
    return { terminal, ...asking };
  };

  it('is shown where the program’s own terminal is relayed to', () => {
    const machine = { streams: terminals, controlling: true };
    expect(asked(machine)).toEqual({
      terminal: 'auto',
      at: 'terminal',
      relayed: true,
      keyboard: true,
    });
    const piped: FakeMachine = { ...machine, streams: ['pipe', 'terminal', 'terminal'] };
    expect(asked(piped)).toMatchObject({ terminal: 'always', relayed: true, keyboard: false });
    const none: FakeMachine = { ...machine, streams: ['pipe', 'pipe', 'pipe'] };
    expect(asked(none)).toMatchObject({ terminal: 'auto', relayed: false, keyboard: false });
  });

  it('denies all where the terminal cannot be kept from the program, or there is none', () => {
    const never = asked({ streams: terminals, controlling: true }, 'never');
    expect(never).toMatchObject({ at: 'nowhere' });
    const shown: FakeMachine = { streams: ['terminal', 'pipe', 'pipe'], controlling: true };
    expect(asked(shown)).toMatchObject({
      at: 'nowhere',
      why: expect.stringContaining('uses your terminal'),
    });
    expect(asked({ streams: terminals })).toMatchObject({ at: 'nowhere' });
  });
});

describe('a kernel that cannot keep rules for the network', () => {
  const machine = { landlockAbi: 3 };

  it('has none where it was only to be asked about, and says so', () => {
    const { net, network, notes, views } = resolve({ ask: () => 'deny' }, machine);
    expect([net, network]).toEqual(['none', undefined]);
    expect(notes.join()).toContain('Landlock ABI 3');
    expect(views.some(({ target }) => target.endsWith('resolv.conf'))).toBe(false);
  });

  it('refuses rules', () => {
    expect(refusal({ net: 'example.com' }, machine).code).toBe('ERR_KERNEL');
    expect(resolve({ net: 'host' }, machine).net).toBe('host');
  });
});
