/**
 * Writes the formats that list calls without conditions: a call that depends on its arguments is refused.
 * Those that can give a call an errno of its own do.
 */
import { groups as systemdGroups } from '../../../core/index.js';
import { byAction, type Model, strictest } from './model.js';

/** Returns what each call gets: of several, the strictest. */
function flat({ plain, conditional }: Model): Map<string, string> {
  const found = new Map(plain);
  for (const [call, ways] of conditional)
    found.set(call, strictest(ways.map(({ action }) => action)));
  return found;
}

const errnoOf = (action: string): string | undefined => /^errno\((\d+)\)$/.exec(action)?.[1];

const systemdArchitectures: Readonly<Record<string, string>> = {
  x86_64: 'x86-64',
  i386: 'x86',
  aarch64: 'arm64',
  ppc64le: 'ppc64-le',
  mips64el: 'mips64-le',
};

/** One setting for each line of a readable length: systemd joins them. */
function settings(name: string, sign: string, words: readonly string[]): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    if (line.length + word.length > 90) {
      lines.push(line);
      line = '';
    }
    line += `${line === '' ? '' : ' '}${word}`;
  }
  return [...lines, line].filter((one) => one !== '').map((one) => `${name}=${sign}${one}`);
}

export function writeSystemd(model: Model): string {
  const { byDefault, arch } = model;
  const groups = byAction(flat(model));
  const lines = ['[Service]', `SystemCallArchitectures=${systemdArchitectures[arch] ?? arch}`];
  const number = errnoOf(byDefault);
  if (number !== undefined) lines.push(`SystemCallErrorNumber=${number}`);
  const runs = [...(groups.get('allow') ?? []), ...(groups.get('log') ?? [])];
  if (byDefault !== 'allow') lines.push(...settings('SystemCallFilter', '', runs));
  // A list that allows has @default, too.
  const implied = (systemdGroups().get('default') ?? []).filter(
    (call) => groups.get(byDefault)?.includes(call) === true,
  );
  if (byDefault !== 'allow') lines.push(...settings('SystemCallFilter', '~', implied));
  for (const [action, calls] of groups) {
    if (action === 'allow' || action === 'log' || action === byDefault) continue;
    const own = errnoOf(action);
    const words = calls.map((call) => `${call}:${own ?? 'kill'}`);
    lines.push(...settings('SystemCallFilter', '~', words));
  }
  lines.push(...settings('SystemCallLog', '', groups.get('log') ?? []));
  return `${lines.join('\n')}\n`;
}

export function writeFirejail(
  model: Model,
  errnoName: (value: string) => string | undefined,
): string {
  const { byDefault } = model;
  const groups = byAction(flat(model));
  const lines = ['seccomp.block-secondary'];
  const keeps = byDefault !== 'allow';
  const number = errnoOf(byDefault);
  const named = number === undefined ? undefined : errnoName(number);
  if (keeps && named !== 'EPERM')
    lines.unshift(`seccomp-error-action ${byDefault === 'log' ? 'log' : (named ?? 'kill')}`);
  if (keeps) {
    lines.push(`seccomp.keep ${(groups.get('allow') ?? []).join(',')}`);
  } else {
    const items = [...groups].flatMap(([action, calls]) => {
      if (action === 'allow') return [];
      const own = errnoOf(action);
      const word = own === undefined ? 'kill' : errnoName(own);
      return calls.map((call) => (word === 'EPERM' ? call : `${call}:${word ?? 'kill'}`));
    });
    lines.push(`seccomp.drop ${items.join(',')}`);
  }
  return `${lines.join('\n')}\n`;
}

/** An OCI profile below `spec`: YAML takes JSON as it is. */
export function writeSpo(profile: string): string {
  const spec = profile
    .replace(/,?\s*"defaultErrnoRet": \d+/, '')
    .trimEnd()
    .replaceAll('\n', '\n  ');
  return `apiVersion: security-profiles-operator.x-k8s.io/v1beta1
kind: SeccompProfile
metadata:
  name: exported
spec:
  ${spec}
`;
}
