import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Architecture,
  compilePolicy,
  decodeFilter,
  init,
  listArchitectures,
  listCalls,
  listConstants,
  listFilter,
} from '../../../src/policy/index.js';

beforeAll(() => init());

/** Numbers of the kernel's headers, gathered without the generator. */
const numbers: Record<string, Record<string, number>> = JSON.parse(
  readFileSync(new URL('../tables/numbers.json', import.meta.url), 'utf8'),
);

describe('listCalls', () => {
  it('has the numbers of the headers on each architecture', () => {
    for (const { name, numberBase } of listArchitectures()) {
      const listed = new Map(
        listCalls(name as Architecture).map((call) => [call.name, call.number]),
      );
      let compared = 0;
      for (const [call, number] of listed) {
        const known = numbers[name]?.[call];
        if (known === undefined) continue;
        expect([call, number]).toEqual([call, (known + numberBase) >>> 0]);
        compared++;
      }
      expect(compared).toBeGreaterThan(280);
    }
  });

  it('tells the type of each argument, and which constants belong to it', () => {
    const socket = listCalls('x86_64').find(({ name }) => name === 'socket');
    expect(socket?.arguments).toEqual([
      { name: 'domain', alias: 'family', type: 'int', bits: 32, constants: 'domain' },
      { name: 'type', alias: undefined, type: 'int', bits: 32, constants: 'socket-type' },
      { name: 'protocol', alias: undefined, type: 'int', bits: 32, constants: 'protocol' },
    ]);
    const write = listCalls('x86_64').find(({ name }) => name === 'write');
    expect(write?.arguments.map(({ type, bits }) => [type, bits])).toEqual([
      ['uint', 32],
      ['pointer', 64],
      ['ulong', 64],
    ]);
  });
});

describe('listConstants', () => {
  it('gives the values of the architecture', () => {
    const value = (arch: Architecture, set: string, name: string) =>
      listConstants(arch)
        .get(set)
        ?.find((constant) => constant.name === name)?.value;
    expect(value('x86_64', 'domain', 'AF_INET6')).toBe(10n);
    expect(value('x86_64', 'errno', 'ENOSYS')).toBe(38n);
    expect(value('mips64el', 'errno', 'ENOSYS')).toBe(89n);
    expect(value('x86_64', 'domain', 'ENOSYS')).toBeUndefined();
  });
});

describe('decodeFilter', () => {
  it('shows what listFilter shows, and where jumps lead', () => {
    const compiled = compilePolicy({ builtin: 'default' }, { arch: 'x86_64' });
    const instructions = decodeFilter(compiled);
    const lines = listFilter(compiled)
      .trimEnd()
      .split('\n')
      .filter((line) => !line.startsWith(';'));
    expect(lines.map((line) => line.replace(/^[> ]\s*\d+ {2}/, ''))).toEqual(
      instructions.map(({ text }) => text),
    );
    instructions.forEach(({ kind, yes, no }, at) => {
      const last = kind === 'return';
      expect(kind.startsWith('j')).toBe(yes !== undefined);
      if (kind.startsWith('j')) expect(yes).toBeGreaterThan(at);
      if (no !== undefined) expect(no).toBeGreaterThan(at);
      if (last) expect([yes, no]).toEqual([undefined, undefined]);
    });
  });
});
