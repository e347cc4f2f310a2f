import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { builtinNames, compilePolicy, init } from '../../../src/policy/index.js';

const filters = new URL('../../../dist/filters/', import.meta.url);

describe('the filters that are shipped', () => {
  beforeAll(async () => init());

  const wanted = builtinNames().flatMap((name) =>
    (['x86_64', 'aarch64'] as const).map((arch) => ({ name, arch })),
  );

  it.each(wanted)('$name for $arch is what its policy compiles to', ({ name, arch }) => {
    const shipped = readFileSync(new URL(`${name}.${arch}.bpf`, filters));
    const { bpf } = compilePolicy({ builtin: name }, { arch, kernel: '5.12' });
    expect(shipped.equals(Buffer.from(bpf))).toBe(true);
  });

  it('are these and no others', () => {
    expect(readdirSync(filters)).toHaveLength(wanted.length);
  });
});
