import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  compilePolicy,
  explain,
  init,
  type PolicyError,
  simulate,
  simulateFilter,
} from '../../../src/policy/index.js';

beforeAll(() => init());

const weights = [
  ...readFileSync(
    new URL('../../../wasm-core/syscalls/weights.txt', import.meta.url),
    'utf8',
  ).matchAll(/^\s*(\d+) (\w+)$/gm),
].map(([, weight, call = '']) => ({ weight: Number(weight), call }));

/** Instructions of a filter for the calls that a kernel from 5.11 on runs it for, as programs make them. */
function costWhereItRuns(kernel: string | undefined): number {
  const policy = { builtin: 'default' };
  const { bpf } = compilePolicy(policy, { arch: 'x86_64', kernel });
  const runs = new Set(
    explain(policy, { arch: 'x86_64' }).flatMap(({ name, runsFilter }) => (runsFilter ? name : [])),
  );
  const run = weights.filter(({ call }) => runs.has(call));
  const cost = ({ weight, call }: { weight: number; call: string }) =>
    weight * simulateFilter(bpf, { call, arch: 'x86_64' }).path.length;
  const sum = (values: number[]) => values.reduce((all, value) => all + value, 0);
  return sum(run.map(cost)) / sum(run.map(({ weight }) => weight));
}

describe('calls that recent kernels allow without the filter', () => {
  it('are those that no condition and no refusal is about', () => {
    const text = 'default errno(EPERM)\nallow read\nallow write where fd == 1\nlog close\n';
    const found = explain({ text }, { calls: ['read', 'write', 'close', 'mount'] });
    expect(found.map(({ runsFilter }) => runsFilter)).toEqual([false, true, true, true]);
    const x32 = explain({ text }, { arch: 'x32', calls: ['read'] });
    expect(x32.map(({ runsFilter }) => runsFilter)).toEqual([true]);
  });

  it('are as many as the core counts', () => {
    const calls = explain({ builtin: 'default' }, { arch: 'x86_64' });
    const { figures } = compilePolicy({ builtin: 'default' }, { arch: 'x86_64' });
    expect(calls.filter(({ runsFilter }) => !runsFilter)).toHaveLength(figures.cacheable);
    expect(figures.filteredMean).toBeGreaterThan(0);
  });

  it('have hardly any weight in a filter for such a kernel', () => {
    expect(costWhereItRuns('5.11')).toBeLessThan(costWhereItRuns('5.10') - 2);
    expect(costWhereItRuns(undefined)).toBe(costWhereItRuns('5.10'));
  });
});

describe('a foreign architecture', () => {
  const text = 'target x86_64\ndefault errno(EPERM)\nallow read\n';
  const call = { call: 'read', arch: 'aarch64' } as const;

  it('is killed, or gets `foreign`', () => {
    expect(simulate({ text }, call).actionText).toBe('kill_process');
    const found = simulate({ text: `${text}foreign errno(ENOSYS)\n` }, call);
    expect(found).toMatchObject({ actionText: 'errno(ENOSYS)', decidedBy: 'foreign' });
    const x32 = simulate({ text: `${text}foreign trap\n` }, { call: 0x40000000, arch: 'x86_64' });
    expect(x32.actionText).toBe('trap');
  });

  it.each(['allow', 'log', 'notify', 'trace(1)'])('is never met with %s', (action) => {
    try {
      compilePolicy({ text: `${text}foreign ${action}\n` });
      expect.unreachable();
    } catch (error) {
      expect((error as PolicyError).diagnostics).toMatchObject([{ code: 'foreign', line: 4 }]);
    }
  });

  it('is told by its calls first where others get the same', () => {
    const firstLoad = (policy: string): number => {
      const { bpf } = compilePolicy({ text: policy });
      return new DataView(bpf.buffer).getUint32(4, true);
    };
    expect(firstLoad(text)).toBe(4);
    expect(firstLoad(`${text}foreign errno(EPERM)\n`)).toBe(0);
    expect(firstLoad('default kill\nallow read\n')).toBe(0);
  });
});
