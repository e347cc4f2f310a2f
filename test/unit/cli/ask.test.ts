/** Tests what a question looks like at a terminal. */
import { describe, expect, it } from 'vitest';
import type { Question } from '../../../src/ask/index.js';
import { questionText } from '../../../src/cli/ask.js';

const known = { pid: 7, name: 'p', executable: '/p', argv: ['p', 'a b'], truncated: false };
const unknown = { pid: 0, name: '', executable: '', argv: [], truncated: false };
const lines = (question: Question) => questionText(question).split('\r\n').slice(1, -3);

describe('a question', () => {
  it('says the address behind a name, and who asks', () => {
    const text = 'connect to example.com:443';
    const where = { address: '192.0.2.1', port: 443, name: 'example.com' };
    const asked = { id: 1, kind: 'network', protocol: 'tcp', process: known, text } as const;
    expect(lines({ ...asked, ...where })).toEqual([
      '  connect to example.com:443',
      '  which is 192.0.2.1',
      'process 7: /p',
      '  p "a b"',
    ]);
  });

  it('says that it is another one than before', () => {
    const asked = {
      id: 1,
      kind: 'network',
      protocol: 'lookup',
      process: unknown,
      name: 'a',
    } as const;
    const question = { ...asked, text: 'look up the name a' };
    expect(questionText(question)).not.toContain('the previous question was withdrawn');
    expect(questionText(question, true)).toContain('the previous question was withdrawn');
  });

  it('says nothing of a program that is not known, and escapes a name', () => {
    const name = 'a\u001b[2Jb';
    const asked = { id: 1, kind: 'network', protocol: 'lookup', process: unknown, name } as const;
    expect(lines({ ...asked, text: `look up the name ${name}` })).toEqual([
      '  look up the name a<1B>[2Jb',
      '  1 invisible character in these lines is escaped',
    ]);
  });
});
