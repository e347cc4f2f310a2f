import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { policyVerb } from '../../../../src/cli/policy/index.js';
import { captured } from '../output.js';

vi.mock('node:fs', { spy: true });

const folder = mkdtempSync(join(tmpdir(), 'wasbox-policy-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

async function run(...argv: string[]) {
  let status: number | undefined;
  let error: unknown;
  const { out, err } = await captured(async () => {
    try {
      status = await policyVerb(argv);
    } catch (thrown) {
      error = thrown;
    }
  });
  return {
    status,
    error: error as { code?: string; message?: string; hint?: string } | undefined,
    out,
    err,
  };
}

const good = file('good.policy', 'target x86_64\ndefault errno(EPERM)\nallow read write\n');
const bad = file('bad.policy', 'allow reed\nallow write where fd = 3\n');
const profile = file(
  'profile.json',
  '{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read","teleport"],"action":"SCMP_ACT_ALLOW"}]}',
);

describe('wasbox policy', () => {
  it('lists its commands, and guesses misspelled ones', async () => {
    expect(await run('--help')).toMatchObject({
      status: 0,
      out: expect.stringContaining('compile'),
    });
    expect((await run()).status).toBe(2);
    expect((await run('chek')).error).toMatchObject({
      code: 'ERR_USAGE',
      hint: 'Did you mean: wasbox policy check',
    });
  });
});

describe('check', () => {
  it('says what a policy costs', async () => {
    const { status, out, err } = await run('check', good);
    expect(status).toBe(0);
    expect(out).toMatch(/^1 rule for x86_64: \d+ instructions/);
    expect(err).toBe('');
  });

  it('shows every error with its place, and ends with 1', async () => {
    const { status, err } = await run('check', bad);
    expect(status).toBe(1);
    expect(err).toContain('bad.policy:1:7: error:');
    expect(err).toContain('Did you mean `read`?');
    expect(err).toContain('bad.policy:2:');
  });

  it('prints JSON with a version', async () => {
    const yes = JSON.parse((await run('check', good, '--json')).out);
    expect(yes).toMatchObject({ schemaVersion: 1, ok: true, targets: ['x86_64'] });
    const { status, out } = await run('check', bad, '--json');
    expect(status).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ ok: false, diagnostics: [{ code: 'syscall' }, {}] });
  });

  it('takes built-in policies and those of other tools', async () => {
    expect((await run('check', 'default', '--arch', 'x86_64,aarch64')).status).toBe(0);
    const { status, err } = await run('check', profile, '--from', 'oci');
    expect(status).toBe(0);
    expect(err).toContain('teleport');
  });

  it('names a file that is not there', async () => {
    const { error } = await run('check', join(folder, 'none'));
    expect(error?.code).toBe('ERR_POLICY_UNREADABLE');
  });
});

describe('compile', () => {
  it('writes the kernel’s own form, and nothing else', async () => {
    const target = join(folder, 'good.bpf');
    const result = await run('compile', good, '-o', target);
    expect(result).toMatchObject({ status: 0, out: '' });
    expect(result.err).toMatch(
      /^\d+ rules? for .*: \d+ instructions, .* at most\n {2}Linux 5\.11 and newer run it for \d+ of \d+ calls: .*\n$/,
    );
    const bytes = readFileSync(target);
    expect(bytes.length % 8).toBe(0);
    // The first instruction loads a word of seccomp_data.
    expect(bytes.readUInt16LE(0)).toBe(0x20);
  });

  it('orders the tests by the weights that are given', async () => {
    const policy = file('weighed.policy', 'default errno(EPERM)\nallow getpid\nallow mount\n');
    const weights = file('mix.txt', '# all of it\n1000000 mount\n');
    const figures = async (...more: string[]) =>
      JSON.parse((await run('check', policy, '--json', ...more)).out).figures;
    const [usual, given] = [await figures(), await figures('--weights', weights)];
    expect(given.weightedMean).not.toBe(usual.weightedMean);
    expect(await run('check', policy, '--weights', '/nonexistent')).toMatchObject({
      error: { code: 'ERR_POLICY_UNREADABLE' },
    });
  });

  it('uses the byte order of the target', async () => {
    const target = join(folder, 's390x.bpf');
    const policy = file('big.policy', 'default errno(EPERM)\nallow read\n');
    await run('compile', policy, '--arch', 's390x', '-o', target);
    expect(readFileSync(target).readUInt16BE(0)).toBe(0x20);
  });

  it('writes a header that compiles to the same bytes', async () => {
    const header = join(folder, 'filter.h');
    const raw = join(folder, 'again.bpf');
    await run('compile', good, '--format', 'c', '-o', header);
    await run('compile', good, '-o', raw);
    const program = file(
      'main.c',
      '#include <stdio.h>\n#include "filter.h"\nint main(void) { return fwrite(wasbox_filter, sizeof wasbox_filter, 1, stdout) != 1; }\n',
    );
    const binary = join(folder, 'main');
    execFileSync('cc', ['-Wall', '-Wextra', '-Werror', program, '-o', binary]);
    expect(execFileSync(binary)).toEqual(readFileSync(raw));
  });

  it('prints JSON with the rule behind each instruction', async () => {
    const value = JSON.parse((await run('compile', good, '--format', 'json')).out);
    expect(value.schemaVersion).toBe(1);
    expect(value.program.length).toBe(value.origins.length);
    expect(value.rules[0].text).toContain('allow read write');
  });

  it('compiles an OCI profile directly', async () => {
    const target = join(folder, 'oci.bpf');
    expect((await run('compile', profile, '--from', 'oci', '-o', target)).status).toBe(0);
    expect(readFileSync(target).length).toBeGreaterThan(0);
  });
});

describe('disasm', () => {
  it('lists a policy, and a filter in raw form', async () => {
    const fromPolicy = await run('disasm', good);
    expect(fromPolicy.out).toContain('good.policy:3: allow read write');
    const raw = join(folder, 'listed.bpf');
    await run('compile', good, '-o', raw);
    const fromFilter = await run('disasm', raw);
    expect(fromFilter.out).toBe(fromPolicy.out.replaceAll(/^;.*\n/gm, ''));
    expect((await run('compile', good, '--format', 'asm')).out).toBe(fromPolicy.out);
  });

  it('refuses what is not a filter', async () => {
    const odd = file('odd.bpf', 'odd');
    expect((await run('disasm', odd)).error?.code).toBe('ERR_POLICY_INVALID');
  });

  it('names a file that is not a filter, and takes one where a policy is expected', async () => {
    const odd = file('odd.bpf', 'odd');
    const message = `${odd}: the kernel would reject this filter: its size of 3 bytes`;
    expect((await run('disasm', odd)).error?.message).toContain(message);
    expect((await run('simulate', odd, 'read')).error?.message).toContain(message);
    const raw = join(folder, 'finished.bpf');
    await run('compile', good, '-o', raw);
    expect((await run('check', raw)).status).toBe(0);
    expect((await run('check', odd)).error?.message).toContain(message);
    expect(await run('diff', good, raw)).toMatchObject({ status: 0 });
    expect((await run('explain', raw, 'write')).out).toContain('write (1 on x86_64)');
  });
});

describe('simulate', () => {
  it('tells the decision, the rule and the path', async () => {
    const { status, out } = await run('simulate', good, 'write', '1');
    expect(status).toBe(0);
    expect(out).toContain('write (1 on x86_64) (1, 0, 0, 0, 0, 0): allow');
    expect(out).toContain('good.policy:3: allow read write');
    expect(out).toMatch(/\d+ instructions: 0 1/);
  });

  it('prints JSON, takes filters, and says what is not enforceable', async () => {
    const json = JSON.parse((await run('simulate', 'default', 'ptrace', '--json')).out);
    expect(json).toMatchObject({ schemaVersion: 1, name: 'ptrace' });
    const raw = join(folder, 'simulated.bpf');
    await run('compile', good, '-o', raw);
    expect((await run('simulate', raw, 'mount')).out).toContain('errno(EPERM)');
    expect((await run('simulate', good, '335')).out).toContain('not enforceable');
  });

  it('says where a negative number stands', async () => {
    const { error } = await run('simulate', good, 'write', '-1');
    expect(error?.code).toBe('ERR_OPTION_UNKNOWN');
    expect(error?.hint).toContain('simulate … -- -1');
    // Control: there it is taken.
    const { status, out } = await run('simulate', good, '--', 'write', '-1');
    expect([status, out.includes('(0xffffffffffffffff, 0')]).toEqual([0, true]);
  });

  it('guesses misspelled calls', async () => {
    expect((await run('simulate', good, 'reed')).error?.hint).toBe('Did you mean: read');
    expect((await run('simulate', good)).error?.code).toBe('ERR_NO_OPERAND');
  });
});

describe('a kernel that loads no filter', () => {
  it.each(['1.0', '3', '3.4'])('Linux %s is refused, as an option and in a policy', async (old) => {
    const { error } = await run('check', good, '--kernel', old);
    expect(error?.code).toBe('ERR_OPTION_VALUE');
    expect(error?.hint).toContain('3.5');
    for (const line of [`kernel >= ${old}`, `allow getpid when kernel < ${old}`]) {
      const { status, err } = await run('check', file('old.policy', `${line}\nallow read\n`));
      expect(status, line).toBe(1);
      expect(err, line).toContain('old.policy:1:');
      expect(err, line).toContain('not below 3.5');
    }
  });

  it('the first that does is taken', async () => {
    expect((await run('check', good, '--kernel', '3.5')).error).toBeUndefined();
    const text = 'kernel >= 3.5\nallow read\nallow getpid when kernel < 3.6\n';
    expect((await run('check', file('first.policy', text))).status).toBe(0);
  });
});

describe('import and export', () => {
  it('read the formats of other tools with the files that these name', async () => {
    file(
      'runc-v1.yaml',
      'kind: SeccompProfile\nspec:\n  defaultAction: SCMP_ACT_LOG\n  syscalls:\n  - action: SCMP_ACT_ALLOW\n    names: [mount]\n',
    );
    const spo = file(
      'a.yaml',
      'kind: SeccompProfile\nspec:\n  baseProfileName: runc-v1\n  defaultAction: SCMP_ACT_ERRNO\n',
    );
    expect((await run('import', '--from', 'spo', spo)).out).toContain('allow mount');
    file('common.inc', 'seccomp.drop mount\n');
    const jail = file('a.profile', 'include common.inc\ninclude not-there.local\n');
    expect((await run('import', '--from', 'firejail', jail)).out).toContain('errno(EPERM) mount');
    const unit = file(
      'a.service',
      '[Service]\nSystemCallFilter=mount\nSystemCallArchitectures=native\n',
    );
    const simulated = await run('simulate', '--from', 'systemd', unit, 'mount', '--json');
    expect(JSON.parse(simulated.out)).toMatchObject({ actionText: 'allow' });
  });

  it('write the formats of other tools, and tell what differs', async () => {
    const same = file(
      'same.policy',
      'target x86_64\ndefault errno(EPERM)\nunknown errno(EPERM)\nallow read write\n',
    );
    const equal = await run('export', same, '--to', 'kafel');
    expect(equal).toMatchObject({ status: 0, err: '' });
    expect(equal.out).toContain('USE exported DEFAULT ERRNO(1)');
    const other = await run('export', good, '--to', 'minijail');
    expect(other.status).toBe(0);
    expect(other.err).toMatch(
      /warning: x86_64 calls \d+ to \d+ gets errno\(EPERM\) in the exported policy, not errno\(ENOSYS\)/,
    );
    const json = JSON.parse((await run('export', good, '--to', 'systemd', '--json')).out);
    expect(json).toMatchObject({ schemaVersion: 1, equal: false });
    expect(json.text).toContain('SystemCallFilter=');
  });

  it('print the other language', async () => {
    const imported = await run('import', '--from', 'oci', profile);
    expect(imported.out).toContain('allow read');
    expect(imported.err).toContain('teleport');
    const exported = await run('export', good, '--to', 'oci');
    expect(JSON.parse(exported.out).syscalls[0].names).toEqual(['read', 'write']);
  });

  it('need the format', async () => {
    expect((await run('import', profile)).error?.code).toBe('ERR_USAGE');
  });

  it('refuse another format', async () => {
    expect((await run('import', '--from', 'oci', good)).error?.code).toBe('ERR_POLICY_INVALID');
  });
});

describe('groups', () => {
  it('lists them, and their calls', async () => {
    expect((await run('groups')).out).toContain('@file-system');
    expect((await run('groups', '@aio')).out).toContain('io_uring_setup');
    expect(JSON.parse((await run('groups', 'aio', '--json')).out).groups.aio).toContain('io_setup');
    expect((await run('groups', '@aoi')).error?.hint).toBe('Did you mean: @aio');
  });
});
