import * as fs from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { hasColor, style, write } from '../../../src/cli/terminal.js';

vi.mock('node:fs', { spy: true });
afterEach(() => vi.mocked(fs.writeSync).mockReset());

const failing = (code: string) => Object.assign(new Error('text'), { code });

describe('writing', () => {
  it('goes on after a part was written, and waits while the pipe is full', () => {
    const parts: string[] = [];
    let calls = 0;
    vi.mocked(fs.writeSync).mockImplementation(((_fd: number, bytes: Uint8Array) => {
      if (++calls === 2) throw failing('EAGAIN');
      const length = Math.min(3, bytes.length);
      parts.push(new TextDecoder().decode(bytes.subarray(0, length)));
      return length;
    }) as typeof fs.writeSync);
    write(1, 'abcdefgh');
    expect(parts).toEqual(['abc', 'def', 'gh']);
  });

  it.each(['EPIPE', 'EBADF', 'EIO'])('does not fail for a reader that is gone (%s)', (code) => {
    vi.mocked(fs.writeSync).mockImplementation(() => {
      throw failing(code);
    });
    expect(() => write(1, 'x')).not.toThrow();
  });

  it('gives up where stderr takes no more', () => {
    vi.mocked(fs.writeSync).mockImplementation(() => {
      throw failing('ENOSPC');
    });
    expect(() => write(2, 'x')).not.toThrow();
  });

  it('fails for anything else', () => {
    vi.mocked(fs.writeSync).mockImplementation(() => {
      throw failing('ENOSPC');
    });
    expect(() => write(1, 'x')).toThrow("can't write to stdout (ENOSPC)");
  });
});

describe('colour', () => {
  const nowhere = 1_000_000; // no terminal for sure

  it('is for terminals, unless the variables decide', () => {
    expect(hasColor(nowhere, {})).toBe(false);
    expect(hasColor(nowhere, { FORCE_COLOR: '1' })).toBe(true);
    expect(hasColor(nowhere, { FORCE_COLOR: '0' })).toBe(false);
    expect(hasColor(nowhere, { NO_COLOR: '1' })).toBe(false);
    expect(hasColor(nowhere, { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(true);
  });

  it('leaves text alone where there is none', () => {
    vi.stubEnv('FORCE_COLOR', '0');
    expect(style(2, 'red', 'x')).toBe('x');
    vi.stubEnv('FORCE_COLOR', '1');
    expect(style(2, 'red', 'x')).toBe('\u001b[31mx\u001b[39m');
    vi.unstubAllEnvs();
  });
});
