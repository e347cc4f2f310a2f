import { describe, expect, it } from 'vitest';
import type { Question } from '../../../src/ask/index.js';
import { denialOf } from '../../../src/report/index.js';

const process = { pid: 7, name: 'x', executable: '/usr/bin/x', argv: ['x'], truncated: false };
const builtin = { name: 'default', builtin: true, text: undefined, includes: {} };
const rules = (text: string) => ({ text, rules: [], denied: [], publish: [], optional: false });

const of = (question: object, context: object = {}) =>
  denialOf(
    { question: { id: 1, process, ...question } as unknown as Question, verdict: 'answered' },
    {
      policy: builtin,
      network: undefined,
      ...context,
    } as Parameters<typeof denialOf>[1],
  );

const file = { kind: 'file', truncate: false, directory: false, requested: 'x' };
const dial = { kind: 'network', protocol: 'tcp', text: 'connect' };

describe('a denial', () => {
  it.each([
    [{ ...file, text: 'read /a b', path: '/a b', access: 'read' }, {}, "--ro '/a b'"],
    [{ ...file, text: 'write /a', path: '/a', access: 'write' }, {}, '--cow /a'],
    [{ ...file, text: 'write /a', path: '/a', access: 'read-write' }, {}, '--cow /a'],
    [{ ...dial, address: '192.0.2.1', port: 443 }, {}, '--net 192.0.2.1:443'],
    [{ ...dial, address: '2001:db8::1', port: 443 }, {}, "--net '[2001:db8::1]:443'"],
    [{ ...dial, address: '192.0.2.1', port: 80, name: 'a.example' }, {}, '--net a.example:80'],
    [
      { ...dial, address: '192.0.2.1', port: 80 },
      { network: rules('b.example:443') },
      '--net b.example:443,192.0.2.1:80',
    ],
    [{ ...dial, protocol: 'lookup', name: 'a.example' }, {}, '--net a.example'],
    [{ ...dial, protocol: 'lookup', name: "a'; rm -rf" }, {}, undefined],
    [
      { kind: 'call', text: 'personality', call: 'personality', arguments: {} },
      {},
      '--allow personality',
    ],
  ])('%j names the option that allows it', (question, context, option) => {
    const denial = of(question, context);
    expect([denial.option, denial.cause.length > 0, denial.count]).toEqual([option, true, 1]);
  });

  it('is safe to print', () => {
    const text = 'read /\u001b[2Jx';
    const denial = of({ ...file, text, path: '/\u001b[2J\u202ex', access: 'read' });
    expect(JSON.stringify(denial)).not.toMatch(/\\u001b|\u202e/);
  });
});
