/** A `#!` line and a link of the untrusted directory do not decide what of home is shown. */
import { describe, expect, it } from 'vitest';
import { readShebang } from '../../../src/resolve/shebang.js';
import { program } from './fake-host.js';
import { refusal, resolve, sources } from './support.js';

const key = '/home/ann/.ssh/id_ed25519';
const script = (text: string) => ({ '/home/ann/proj/script.py': { text, mode: 0o755 } });

describe('a #! line', () => {
  it('shows nothing of a file of home that it names', () => {
    const error = refusal({}, { files: script(`#!${key}\n`) });
    expect(error.code).toBe('ERR_NO_INTERPRETER');
    expect(error.message).toContain('not visible in the sandbox');
    expect(error.hint).toContain(`--ro ${key}`);
  });

  it('shows nothing of an interpreter in the directory either', () => {
    const files = {
      ...script('#!./interpreter\n'),
      '/home/ann/proj/interpreter': { text: `#!${key}\n`, mode: 0o755 },
    };
    expect(sources(resolve({}, { files }))).not.toContain(key);
  });

  it.each(['\ufeff', '\v', '\f', '\u00a0', '\u2028'])(
    'may not hide its path behind %j',
    (space) => {
      const files = {
        ...script('#!./interpreter\n'),
        '/home/ann/proj/interpreter': { text: `#!${space}${key}\n`, mode: 0o755 },
      };
      expect(sources(resolve({}, { files }))).not.toContain(key);
      const bytes = new TextEncoder().encode(`#!${space}/bin/sh\n`);
      expect(readShebang(bytes)?.interpreter).toBe(`${space}/bin/sh`);
    },
  );

  it('is ignored with a NUL or with bytes that are not text', () => {
    expect(readShebang(Buffer.from('#!/bin/sh\0 x\n'))).toBeUndefined();
    expect(readShebang(Buffer.from([0x23, 0x21, 0x2f, 0xff, 0x0a]))).toBeUndefined();
  });
});

describe('a virtual environment in the directory', () => {
  const venv = (target: string) => ({
    ...script('#!/home/ann/proj/.venv/bin/python\n'),
    '/home/ann/proj/.venv/bin/python': { link: target },
    '/home/ann/.pyenv/versions/3.12.1/bin/python3': program,
    '/home/ann/private/bin/python3': program,
  });

  it('may lead into the tree of a known tool', () => {
    const spec = resolve({}, { files: venv('/home/ann/.pyenv/versions/3.12.1/bin/python3') });
    expect(sources(spec)).toContain('/home/ann/.pyenv');
  });

  it.each([key, '/home/ann/private/bin/python3'])('may not lead to %s', (target) => {
    expect(refusal({}, { files: venv(target) }).code).toBe('ERR_NO_INTERPRETER');
  });

  it('gains nothing if it is in PATH', () => {
    const env = { PATH: '/home/ann/proj/.venv/bin:/usr/bin' };
    const files = { ...venv(key), '/home/ann/proj/script.py': 'print(1)\n' };
    expect(sources(resolve({ command: 'script.py' }, { files, env }))).not.toContain(key);
  });
});
