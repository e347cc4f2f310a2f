import { beforeAll, describe, expect, it } from 'vitest';
import { explainPolicy, init, simulate } from '../../../src/policy/index.js';

beforeAll(() => init());

describe('explainPolicy', () => {
  it('says of every call what simulate says', () => {
    const source = { builtin: 'default' };
    const { arch, calls } = explainPolicy(source, { arch: 'x86_64' });
    expect(arch).toBe('x86_64');
    expect(calls.length).toBeGreaterThan(350);
    for (const call of calls.filter((_, i) => i % 25 === 0)) {
      const { actionText, rule, path } = simulate(source, { call: call.number });
      expect(call).toMatchObject({ actionText, rule, instructions: path.length });
    }
  });

  it('tells calls apart that depend on their arguments', () => {
    const { calls } = explainPolicy({ text: 'allow read\nallow ioctl where request == 0\n' });
    const find = (name: string) => calls.find((call) => call.name === name);
    expect(find('read')).toMatchObject({ byArguments: false, cacheable: true });
    expect(find('ioctl')).toMatchObject({
      byArguments: true,
      cacheable: false,
      actionText: 'allow',
    });
    expect(find('write')).toMatchObject({ cacheable: false, rule: undefined });
  });
});
