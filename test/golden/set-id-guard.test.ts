import { beforeAll, expect, test } from 'vitest';
import { init, listCalls, simulate } from '../../src/policy.js';

beforeAll(() => init());

/** Argument that sets a file's mode, by name: what could leave a set-id bit on a real file. */
const modes = new Set(['mode', 'mode_t', 'umode_t']);
/** Their mode is no file's, or the kernel masks the bits. */
const harmless: Readonly<Record<string, string>> = {
  access: 'asks',
  faccessat: 'asks',
  faccessat2: 'asks',
  fallocate: 'says how to allocate',
  mkdir: 'a directory; set-group-id on it only hands down the group',
  mkdirat: 'as mkdir',
  mq_open: 'a message queue of the sandbox',
  set_mempolicy: 'of memory',
  mbind: 'of memory',
  get_mempolicy: 'of memory',
  prctl: 'not a file',
};

/** A call that sets modes and is added to the default policy must not get past the guard. */
test.each(['x86_64', 'aarch64'] as const)(
  'each call that the default policy allows and that takes a mode is guarded: %s',
  (arch) => {
    const open = listCalls(arch)
      .filter(({ name }) => harmless[name] === undefined)
      .flatMap((call) => {
        const at = call.arguments.findIndex(({ name }) => modes.has(name));
        return at < 0 ? [] : [{ call, at }];
      })
      .filter(({ call, at }) => {
        // The call has every flag that makes open(2) create a file.
        const args = call.arguments.map(({ name }, i) =>
          i === at ? 0o4755n : name === 'flags' ? 0o100n : 0n,
        );
        const allows = (builtin: string) =>
          simulate({ builtin }, { call: call.name, args, arch }).action.kind === 'allow';
        return allows('default') && allows('set-id-guard');
      })
      .map(({ call }) => call.name);
    expect(open, 'deny it in wasm-core/policies/set-id-guard.policy').toEqual([]);
  },
);

test('the test finds what is not guarded', () => {
  const policy = { name: 'p', text: 'default allow' };
  expect(simulate(policy, { call: 'chmod', args: [0n, 0o4755n] }).action.kind).toBe('allow');
});
