import { describe, expect, it } from 'vitest';
import { refusal, resolve } from './support.js';

describe('the environment', () => {
  it('holds nothing but the short list', () => {
    const secrets = {
      AWS_SECRET_ACCESS_KEY: 's',
      GITHUB_TOKEN: 's',
      NPM_TOKEN: 's',
      SSH_AUTH_SOCK: '/s',
      DBUS_SESSION_BUS_ADDRESS: 's',
      LD_PRELOAD: '/evil.so',
      LD_LIBRARY_PATH: '/evil',
      NODE_OPTIONS: '--require /evil',
      PYTHONSTARTUP: '/evil',
      PYTHONPATH: '/evil',
      BASH_ENV: '/evil',
      ENV: '/evil',
      IFS: 'x',
      https_proxy: 'http://user:pass@proxy',
      XDG_CONFIG_HOME: '/home/ann/.config',
      DISPLAY: ':0',
      LC_evil: 'x',
    };
    const env = { ...secrets, TERM: 'xterm', LANG: 'C.UTF-8', LC_ALL: 'C', NO_COLOR: '1' };
    const inside = resolve({}, { env }).env;
    expect(Object.keys(inside).sort()).toEqual(
      [
        ...[
          'HOME',
          'LANG',
          'LC_ALL',
          'LOGNAME',
          'NO_COLOR',
          'PATH',
          'PWD',
          'SHELL',
          'TERM',
          'USER',
        ],
        ...['LSAN_OPTIONS', 'WASBOX', 'XDG_RUNTIME_DIR'],
      ].sort(),
    );
    expect(inside).toMatchObject({ USER: 'ann', HOME: '/home/ann', PWD: '/home/ann/proj' });
  });

  it('passes and sets what --env asks for', () => {
    const spec = resolve(
      { env: { TOKEN: true, A: '1', EMPTY: '', PATH: '/x', GONE: true } },
      { env: { TOKEN: 't' } },
    );
    expect(spec.env).toMatchObject({ TOKEN: 't', A: '1', EMPTY: '', PATH: '/x' });
    expect(spec.env).not.toHaveProperty('GONE');
    expect(spec.notes.join()).toContain('GONE');
  });

  it.each(['', 'A=B'])('refuses the name "%s"', (name) => {
    expect(refusal({ env: { [name]: 'x' } }).code).toBe('ERR_OPTION_VALUE');
  });

  it('leaves directories that are missing inside out of PATH', () => {
    const files = { '/srv/tools/x': '' };
    const env = { PATH: '/srv/tools:/usr/bin:/nothing:/usr/bin/:/bin' };
    expect(resolve({}, { files, env }).env.PATH).toBe('/usr/bin:/bin');
    expect(resolve({ ro: ['/srv/tools'] }, { files, env }).env.PATH).toBe(
      '/srv/tools:/usr/bin:/bin',
    );
  });

  it('names a shell that exists', () => {
    expect(resolve({}, { env: { SHELL: '/usr/bin/fish' } }).env.SHELL).toBe('/bin/sh');
    expect(resolve({}, { env: { SHELL: '/bin/sh' } }).env.SHELL).toBe('/bin/sh');
  });
});

describe('limits, network, policy and changes', () => {
  it('have their defaults', () => {
    const spec = resolve({});
    expect(spec.limits).toEqual({
      timeoutMs: undefined,
      cpuMs: undefined,
      memoryBytes: undefined,
      graceMs: 2000,
      processes: 512,
      openFiles: 4096,
      fileSizeBytes: 10 * 1024 ** 3,
      diskBytes: 10 * 1024 ** 3,
      inodes: 1_000_000,
      outputBytes: undefined,
      privateBytes: 1024 ** 3,
      privateInodes: 200_000,
      cgroup: undefined,
    });
    expect([spec.net, spec.changes, spec.hostname, spec.policy.name]).toEqual([
      'none',
      'keep',
      'wasbox',
      'default',
    ]);
  });

  it('follow the options', () => {
    const spec = resolve({ timeoutMs: 5, pids: 9, net: 'host', changes: 'discard' });
    expect([spec.limits.timeoutMs, spec.limits.processes]).toEqual([5, 9]);
    expect([spec.net, spec.changes]).toEqual(['host', 'discard']);
  });

  it('take a policy with the files that it includes', () => {
    const files = {
      '/home/ann/proj/p.policy': 'include "b/base"\nallow read\n',
      '/home/ann/proj/b/base': '  include "b/base"\ninclude "gone"\n',
    };
    const { policy } = resolve({ policy: 'p.policy' }, { files });
    expect(policy.text).toContain('allow read');
    expect(Object.keys(policy.includes)).toEqual(['b/base']);
  });

  it('refuse bytes for a policy, and for one that it includes', () => {
    const files = {
      '/home/ann/proj/zero.bpf': { text: Uint8Array.of(0x20, 0, 0, 0), mode: 0o644 },
      '/home/ann/proj/latin': { text: Uint8Array.of(0x61, 0xff, 0x0a), mode: 0o644 },
      '/home/ann/proj/p.policy': 'include "latin"\n',
    };
    for (const [policy, named] of [
      ['zero.bpf', 'zero.bpf'],
      ['latin', 'latin'],
      ['p.policy', 'latin'],
    ]) {
      const error = refusal({ policy }, { files });
      expect([error.code, error.exitStatus]).toEqual(['ERR_POLICY_UNREADABLE', 125]);
      expect(error.message).toBe(`--policy: /home/ann/proj/${named} is not text`);
    }
  });

  it.each(['gone.policy', 'sub', 'closed'])('refuse the policy %s', (policy) => {
    const files = {
      '/home/ann/proj/sub/x': '',
      '/home/ann/proj/closed': { text: 'x', mode: 0 } as const,
    };
    const error = refusal({ policy }, { files });
    expect([error.code, error.exitStatus]).toEqual(['ERR_POLICY_UNREADABLE', 125]);
  });
});

describe('options of the library', () => {
  it.each([
    [{ nett: 'host' }, 'ERR_OPTION_UNKNOWN', 'Did you mean net?'],
    [{ net: 'http://x/' }, 'ERR_OPTION_VALUE', '--net'],
    [{ timeoutMs: '5s' }, 'ERR_OPTION_VALUE', 'Write { timeoutMs: 5000 }'],
    [{ timeoutMs: 0 }, 'ERR_OPTION_VALUE', 'Got 0.'],
    [{ pids: 1.5 }, 'ERR_OPTION_VALUE', 'Got 1.5.'],
    [{ ro: 'x' }, 'ERR_OPTION_VALUE', "Write { ro: ['x'] }"],
    [{ ro: [{ path: '' }] }, 'ERR_OPTION_VALUE', 'Got an object.'],
    [{ env: { A: 1 } }, 'ERR_OPTION_VALUE', 'Got 1.'],
    [{ changes: 'maybe' }, 'ERR_OPTION_VALUE', "success: 'apply'"],
    [{ root: 'yes' }, 'ERR_OPTION_VALUE', 'Got "yes".'],
    [{ hide: ['a\0'] }, 'ERR_OPTION_VALUE', 'Got "a\\u0000".'],
    [{ args: 'a' }, 'ERR_OPTION_VALUE', undefined],
    [{ command: 'a\0b' }, 'ERR_OPTION_VALUE', undefined],
  ])('refuse %j', (options, code, hint) => {
    const error = refusal(options as never);
    expect(error.code).toBe(code);
    if (hint !== undefined) expect(error.hint).toContain(hint);
  });

  it('take the form with path and dest', () => {
    const spec = resolve({ ro: [{ path: '/etc/passwd', dest: '/mnt/a' }], changes: 'keep' });
    expect(spec.views.some((mount) => mount.target === '/mnt/a')).toBe(true);
  });
});
