import { describe, expect, it } from 'vitest';
import { runtimes } from '../../../src/pool/runtimes.js';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('a task, as a waiting program reads it', () => {
  it.each(['python', 'node'])('%s: its length in bytes, then its fields', (name) => {
    const task = { code: 'ä', args: ['x', ''], env: { A: 'b=c' } };
    expect(text(runtimes[name]?.encode(task) ?? new Uint8Array())).toBe(
      '000000000019code\0ä\x002\0x\0\0A=b=c\0',
    );
  });

  it.each(['python', 'node'])('%s: a length of more than eight digits has room', (name) => {
    const { encode, boot } = runtimes[name] ?? {};
    const bytes = encode?.({ code: 'x'.repeat(100_000_000) }) ?? new Uint8Array();
    const digits = 12;
    expect(Number(text(bytes.subarray(0, digits)))).toBe(bytes.length - digits);
    expect(boot?.('')).toMatch(new RegExp(`take\\((int|Number)\\(take\\(${digits}\\)\\)\\)`));
  });

  it('sh: as many lines as it says', () => {
    const bytes = runtimes.sh?.encode({ code: "echo 'a\nb'", env: { A: 'c\nd' } });
    const [count, ...lines] = text(bytes ?? new Uint8Array()).split('\n');
    expect(lines.length - 1).toBe(Number(count));
  });
});
