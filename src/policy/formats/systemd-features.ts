/** Settings of systemd's units that filter calls beside SystemCallFilter=, each a filter of its own. */
import { constantValue, groups } from '../../core/index.js';
import type { Findings } from './findings.js';
import type { Refusal } from './layers.js';
import { readBoolean, type Setting } from './systemd-settings.js';

const eperm = 'errno(EPERM)';
const enosys = 'errno(ENOSYS)';

const namespaceBits: Readonly<Record<string, number>> = {
  cgroup: 0x0200_0000,
  ipc: 0x0800_0000,
  net: 0x4000_0000,
  mnt: 0x0002_0000,
  pid: 0x2000_0000,
  user: 0x1000_0000,
  uts: 0x0400_0000,
  time: 0x80,
};

const allNamespaces = Object.values(namespaceBits).reduce((all, bit) => all | bit, 0);

/** Architectures whose mmap is the first call of the name, with flags in registers. */
const modernMmap = [
  ...['x86_64', 'x32', 'aarch64', 'riscv64', 'ppc64le', 's390x', 'mips64el', 'loongarch64'],
];

const executable: readonly Refusal[] = [
  { action: eperm, calls: ['mmap'], where: 'arg2 & 6 == 6', on: modernMmap },
  { action: eperm, calls: ['mmap2'], where: 'arg2 & 6 == 6', on: ['i386', 'arm'] },
  { action: eperm, calls: ['mmap'], on: ['i386'] },
  { action: eperm, calls: ['mprotect', 'pkey_mprotect'], where: 'arg2 & 4 == 4' },
  {
    action: eperm,
    calls: ['shmat'],
    where: 'arg2 & 0x8000 == 0x8000',
    on: ['x86_64', 'x32', 'aarch64', 'arm', 'riscv64', 'loongarch64'],
  },
];

/** S_ISUID and S_ISGID. */
const setIds = '0xc00';

const setIdFiles: readonly Refusal[] = [
  {
    action: eperm,
    calls: ['chmod', 'fchmod', 'mkdir', 'mknod', 'creat'],
    where: `arg1 & ${setIds}`,
  },
  {
    action: eperm,
    calls: ['fchmodat', 'fchmodat2', 'mkdirat', 'mknodat'],
    where: `arg2 & ${setIds}`,
  },
  { action: eperm, calls: ['open'], where: `arg1 & O_CREAT and arg2 & ${setIds}` },
  { action: eperm, calls: ['openat'], where: `arg2 & O_CREAT and arg3 & ${setIds}` },
  { action: enosys, calls: ['openat2'] },
];

function withoutNamespaces(retained: number): Refusal[] {
  const refused = allNamespaces & ~retained;
  if (refused === 0) return [];
  const bits = `0x${refused.toString(16)}`;
  const setns: Refusal[] =
    retained === 0
      ? [{ action: eperm, calls: ['setns'] }]
      : [
          { action: eperm, calls: ['setns'], where: 'arg1 == 0' },
          { action: eperm, calls: ['setns'], where: `arg1 & ${bits}` },
        ];
  const others = [...modernMmap.filter((arch) => arch !== 's390x'), 'i386', 'arm'];
  return [
    { action: eperm, calls: ['unshare'], where: `arg0 & ${bits}` },
    { action: eperm, calls: ['clone'], where: `arg0 & ${bits}`, on: others },
    { action: eperm, calls: ['clone'], where: `arg1 & ${bits}`, on: ['s390x'] },
    ...setns,
    { action: enosys, calls: ['clone3'] },
  ];
}

const group = (name: string): readonly string[] => groups().get(name) ?? [];

/** Settings that are on or off. */
const switches: Readonly<Record<string, () => readonly Refusal[]>> = {
  MemoryDenyWriteExecute: () => executable,
  RestrictRealtime: () => [
    { action: eperm, calls: ['sched_setscheduler'], where: 'arg1 not in [0, 3, 5]' },
  ],
  RestrictSUIDSGID: () => setIdFiles,
  DynamicUser: () => setIdFiles,
  ProtectHostname: () => [{ action: eperm, calls: ['sethostname', 'setdomainname'] }],
  ProtectKernelLogs: () => [{ action: eperm, calls: ['syslog'] }],
  ProtectKernelModules: () => [{ action: eperm, calls: group('module') }],
  ProtectKernelTunables: () => [{ action: eperm, calls: ['_sysctl'] }],
  ProtectClock: () => [{ action: eperm, calls: group('clock') }],
  PrivateDevices: () => [{ action: eperm, calls: group('raw-io') }],
};

export const featureNames: ReadonlySet<string> = new Set([
  ...Object.keys(switches),
  'RestrictNamespaces',
  'RestrictAddressFamilies',
  'LockPersonality',
]);

/** Words of a setting that adds to the ones before it, or takes away with `~`. */
interface Words {
  readonly inverted: boolean;
  readonly words: readonly string[];
}

function wordsOf(value: string): Words {
  const inverted = value.startsWith('~');
  const words = value
    .slice(inverted ? 1 : 0)
    .split(/\s+/)
    .filter((word) => word !== '');
  return { inverted, words };
}

/** Returns what processes may still make, as the bits of clone's flags; undefined: all. */
function retainedNamespaces(settings: readonly Setting[], findings: Findings): number | undefined {
  let retained: number | undefined;
  for (const setting of settings) {
    const whole = readBoolean(setting.value);
    if (setting.value === '') retained = undefined;
    else if (whole !== undefined) retained = whole ? 0 : allNamespaces;
    else {
      const { inverted, words } = wordsOf(setting.value);
      retained ??= inverted ? allNamespaces : 0;
      for (const word of words) {
        const bit = Object.hasOwn(namespaceBits, word) ? namespaceBits[word] : undefined;
        if (bit === undefined) {
          const message = `unknown kind of namespace \`${word}\``;
          findings.error({ code: 'namespace', span: setting, message });
        } else retained = inverted ? retained & ~bit : retained | bit;
      }
    }
  }
  return retained;
}

/** Architectures on which systemd filters: elsewhere sockets are made through socketcall, too. */
const withSocket = [
  'x86_64',
  'x32',
  'arm',
  'aarch64',
  'ppc64le',
  'mips64el',
  'riscv64',
  'loongarch64',
];

function addressFamilies(settings: readonly Setting[], findings: Findings): Refusal[] {
  let listed = new Set<string>();
  let allows: boolean | undefined;
  for (const setting of settings) {
    if (setting.value === '') {
      listed = new Set();
      allows = undefined;
      continue;
    }
    if (setting.value === 'none') {
      listed = new Set();
      allows = true;
      continue;
    }
    const { inverted, words } = wordsOf(setting.value);
    allows ??= !inverted;
    for (const word of words) {
      if (!/^AF_\w+$/.test(word) || constantValue(0, word) === undefined) {
        const message = `left out: unknown address family \`${word}\``;
        findings.warning({ code: 'address-family', span: setting, message });
      } else if (allows === inverted) listed.delete(word);
      else listed.add(word);
    }
  }
  const action = 'errno(EAFNOSUPPORT)';
  if (allows === undefined || (!allows && listed.size === 0)) return [];
  if (listed.size === 0) return [{ action, calls: ['socket'], on: withSocket }];
  const list = `[${[...listed].join(', ')}]`;
  const where = allows ? `arg0 not in ${list}` : `arg0 in ${list}`;
  return [{ action, calls: ['socket'], where, on: withSocket }];
}

const personalities: Readonly<Record<string, number>> = { 'x86-64': 0, x86: 8, '': 0 };

/** Returns what the settings refuse, filter by filter. */
export function refusalsOf(settings: readonly Setting[], findings: Findings): Refusal[] {
  const last = (name: string) => settings.filter((setting) => setting.name === name).at(-1);
  const all = (name: string) => settings.filter((setting) => setting.name === name);
  const isOn = (name: string): boolean => {
    const setting = last(name);
    if (setting === undefined || setting.value === '') return false;
    const value = readBoolean(setting.value);
    // ProtectHostname=private and the like are yes with more.
    if (value === undefined && !/^(?:private|yes:.*|private:.*)$/.test(setting.value))
      findings.error({
        code: 'boolean',
        span: setting,
        message: `not yes or no: ${setting.value}`,
      });
    return value ?? true;
  };
  const refusals: Refusal[] = [];
  for (const [name, make] of Object.entries(switches)) {
    if (name === 'DynamicUser' && isOn('RestrictSUIDSGID')) continue;
    if (isOn(name)) refusals.push(...make());
  }
  const retained = retainedNamespaces(all('RestrictNamespaces'), findings);
  if (retained !== undefined) refusals.push(...withoutNamespaces(retained));
  refusals.push(...addressFamilies(all('RestrictAddressFamilies'), findings));
  if (isOn('LockPersonality')) {
    const value = last('Personality')?.value ?? '';
    const persona = Object.hasOwn(personalities, value) ? (personalities[value] ?? 0) : 0;
    refusals.push({ action: eperm, calls: ['personality'], where: `arg0 != ${persona}` });
  }
  return refusals;
}
