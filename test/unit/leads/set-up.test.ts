import { describe, expect, it } from 'vitest';
import type { HostFacts } from '../../../src/host/index.js';
import { adviseSetupFailure } from '../../../src/leads/index.js';

const facts: HostFacts = {
  sysctls: {},
  container: false,
  command: '/usr/lib/wasbox/wasbox',
  root: false,
};
const failure = (step: string, errno: string, path?: string) => ({
  step,
  errno,
  errnoText: 'text of the errno',
  path,
});

describe('adviseSetupFailure', () => {
  it.each([
    ['kernel/unprivileged_userns_clone', '0', 'sudo sysctl kernel.unprivileged_userns_clone=1'],
    ['user/max_user_namespaces', '0', 'sudo sysctl user.max_user_namespaces='],
    ['kernel/apparmor_restrict_unprivileged_userns', '1', 'profile wasbox /usr/lib/wasbox/wasbox'],
  ])('names the setting that forbids user namespaces: %s', (name, value, fix) => {
    const advice = adviseSetupFailure(failure('namespaces', 'EPERM'), {
      ...facts,
      sysctls: { [name]: value },
    });
    expect(advice.code).toBe('ERR_USERNS');
    expect(advice.hint).toContain(fix);
  });

  it('knows that AppArmor takes the capabilities, not the namespace', () => {
    const sysctls = { 'kernel/apparmor_restrict_unprivileged_userns': '1' };
    const advice = adviseSetupFailure(failure('capabilities', 'EPERM'), { ...facts, sysctls });
    expect(advice.code).toBe('ERR_USERNS');
    expect(advice.hint).toContain('apparmor_parser');
  });

  it('tells a container how to be started', () => {
    const inside = { ...facts, container: true };
    expect(adviseSetupFailure(failure('namespaces', 'EPERM'), inside).hint).toContain('docker run');
    const proc = adviseSetupFailure(failure('proc', 'EPERM'), inside);
    expect(proc.code).toBe('ERR_PROC_MASKED');
    expect(proc.hint).toContain('systempaths=unconfined');
  });

  it('does not blame a setting for a limit that is used up', () => {
    const advice = adviseSetupFailure(failure('namespaces', 'ENOSPC'), facts);
    expect(advice.message).toContain('limit');
  });

  it.each(
    ['namespaces', 'overlay', 'idmap-mount', 'listener', 'network', 'stdio', 'proc'].flatMap(
      (step) => ['EMFILE', 'ENFILE', 'ENOMEM'].map((errno) => [step, errno] as const),
    ),
  )('blames neither a file system nor a setting at step %s for %s', (step, errno) => {
    const advice = adviseSetupFailure(failure(step, errno, '/home/ann/p'), facts);
    expect(advice.code).toBe('ERR_SETUP');
    expect(advice.message).toContain(`step ${step} at /home/ann/p: text of the errno (${errno})`);
  });

  it.each([
    ['descriptors', 'EINVAL'],
    ['namespaces', 'EPERM'],
    ['overlay', 'EPERM'],
    ['overlay', 'EOPNOTSUPP'],
    ['idmap-mount', 'ENOSYS'],
  ])('names the kernel that is needed where this one is too old: step %s, %s', (step, errno) => {
    const advice = (kernel: string) =>
      adviseSetupFailure(failure(step, errno), { ...facts, kernel });
    for (const kernel of ['5.10.0-32-amd64', '4.19.1', '5.11']) {
      expect(advice(kernel).code).toBe('ERR_KERNEL');
      expect(advice(kernel).message).toMatch(/^Linux \S+ is too old: .*5\.12/);
    }
    for (const kernel of ['5.12.0', '6.1.0', '10.1']) {
      expect(advice(kernel).message).not.toContain('too old');
    }
  });

  it('does not call a file system unfit where root may not mount', () => {
    const one = failure('idmap-mount', 'EPERM', '/project');
    const advice = adviseSetupFailure(one, { ...facts, root: true, sysAdmin: false });
    expect(advice.message).toContain('CAP_SYS_ADMIN');
    for (const sysAdmin of [true, false]) {
      expect(adviseSetupFailure(one, { ...facts, root: true, sysAdmin }).hint).not.toContain(
        'file system',
      );
    }
    expect(adviseSetupFailure(failure('idmap-mount', 'EINVAL'), facts).hint).toContain(
      'file system',
    );
  });

  it('says where else changes can be kept', () => {
    const state = { state: '/s', stateFileSystem: 'overlayfs' };
    const advice = adviseSetupFailure(failure('overlay', 'EINVAL'), { ...facts, ...state });
    expect(advice.message).toContain('/s: overlayfs');
    expect(advice.hint).toContain('XDG_STATE_HOME=');
  });

  it('names no tmpfs for changes where that cannot hold them', () => {
    const hint = (kernel: string) =>
      adviseSetupFailure(failure('overlay', 'EOPNOTSUPP'), { ...facts, state: '/s', kernel }).hint;
    expect(hint('6.5.13')).not.toContain('/dev/shm');
    expect(hint('6.6.0')).toContain('/dev/shm');
  });

  it.each([
    ['EOPNOTSUPP', 'modprobe veth'],
    ['EAFNOSUPPORT', 'modprobe af_packet'],
    ['ENOSPC', 'user.max_net_namespaces'],
    ['EPERM', 'Check what blocks it'],
  ])('says what UDP lacks after %s', (errno, fix) => {
    const advice = adviseSetupFailure(failure('network', errno, 'udp'), facts);
    expect(advice.code).toBe('ERR_KERNEL');
    expect(advice.message).toContain('UDP');
    expect(advice.hint).toContain(fix);
    expect(adviseSetupFailure(failure('network', errno), facts).hint).not.toContain(fix);
  });

  it.each([
    ['overlay', 'EINVAL', 'ERR_OVERLAY', '/project'],
    ['overlay', 'ENODEV', 'ERR_KERNEL', undefined],
    ['overlay', 'EOPNOTSUPP', 'ERR_OVERLAY', undefined],
    ['overlay', 'ESTALE', 'ERR_SETUP', '/project'],
    ['bind', 'ESTALE', 'ERR_SETUP', '/project'],
    ['mount-point', 'ELOOP', 'ERR_PATH', '/project'],
    ['mount-point', 'ENOENT', 'ERR_PATH', '/project'],
    ['idmap-mount', 'EINVAL', 'ERR_IDMAP', '/project'],
    ['scratch', 'ENOSYS', 'ERR_KERNEL', undefined],
    ['bind', 'ENOSYS', 'ERR_KERNEL', undefined],
    ['overlay', 'ENOSYS', 'ERR_KERNEL', undefined],
    ['idmap-mount', 'ENOSYS', 'ERR_KERNEL', undefined],
    ['namespaces', 'ENOSYS', 'ERR_KERNEL', undefined],
    ['seccomp', 'EINVAL', 'ERR_SETUP', undefined],
  ])('%s with %s is %s', (step, errno, code, path) => {
    const advice = adviseSetupFailure(failure(step, errno, path), facts);
    expect(advice.code).toBe(code);
    expect(advice.hint).toBeTruthy();
    if (path !== undefined) expect(advice.message).toContain(path);
  });
});
