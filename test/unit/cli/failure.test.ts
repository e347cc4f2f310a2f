import { describe, expect, it, vi } from 'vitest';
import { printError } from '../../../src/cli/failure.js';
import { errorCodes, UsageError, WasboxError } from '../../../src/errors/index.js';
import { captured } from './output.js';

vi.mock('node:fs', { spy: true });

async function printed(error: unknown, verbose = false) {
  let status = -1;
  const { out, err } = await captured(() => {
    status = printError(error, verbose);
  });
  return { out, err, status };
}

describe('errors on the terminal', () => {
  it('are a message, then what to do, on stderr', async () => {
    const error = new UsageError('ERR_SCRIPT_NOT_FOUND', 'x: no such file', { hint: 'a\nb' });
    expect(await printed(error)).toEqual({
      out: '',
      err: 'wasbox: x: no such file\n  a\n  b\n',
      status: 127,
    });
  });

  it('never let an escape sequence through', async () => {
    const error = new UsageError('ERR_USAGE', '\u001b]0;x\u0007\u202e', { hint: '\u009b31m' });
    const { err } = await printed(error);
    expect(err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(err).toContain('<1B>]0;x');
  });

  it('end with the status that their code has', async () => {
    for (const code of Object.keys(errorCodes) as (keyof typeof errorCodes)[]) {
      expect((await printed(new WasboxError(code, 'm'))).status).toBe(errorCodes[code].exit);
    }
  });

  it('are called a bug where they are one, with the stack only when asked', async () => {
    const bug = new TypeError('oops');
    const short = await printed(bug);
    expect(short.status).toBe(125);
    expect(short.err).toContain('bug in wasbox');
    expect(short.err).not.toContain('    at ');
    expect((await printed(bug, true)).err).toContain('    at ');
  });
});
