/** Collects the data of the references from the sources. Bundled by facts.mjs. */
import { commands } from '../../src/cli/catalogue.js';
import { verbs } from '../../src/cli/verbs.js';
import { errorCodes, errorMeanings } from '../../src/errors/index.js';
import {
  builtinText,
  explain,
  init,
  listArchitectures,
  listCalls,
  listConstants,
  listGroups,
  tablesVersion,
} from '../../src/policy/index.js';
import { syscall } from '../../src/syscalls/index.js';
import { wasboxVersion } from '../../src/version.js';

/** Finds what the default policy decides for each call of an architecture, and why it refuses a call. */
function decisions(arch: 'x86_64' | 'aarch64') {
  return new Map(
    explain({ builtin: 'default' }, { arch }).map(({ name, cases }) => [
      name,
      cases.map(({ action, actionText, rule }) => ({
        action: actionText,
        line: rule?.line,
        rule: rule?.text.trim(),
        reason: action.kind === 'allow' ? '' : (syscall(name).refused?.risk ?? ''),
      })),
    ]),
  );
}

/** Every call of any architecture, by name. */
function calls() {
  const groups = [...listGroups()].filter(([name]) => name !== 'known');
  const [first, second] = [decisions('x86_64'), decisions('aarch64')];
  const found = new Map<string, { numbers: Record<string, number>; args: string[][] }>();
  for (const { name: arch } of listArchitectures()) {
    for (const call of listCalls(arch as Parameters<typeof listCalls>[0])) {
      const one = found.get(call.name) ?? { numbers: {}, args: [] };
      one.numbers[arch] = call.number;
      if (one.args.length === 0) {
        one.args = call.arguments.map(({ name, type, constants }) =>
          constants === undefined ? [name, type] : [name, type, constants],
        );
      }
      found.set(call.name, one);
    }
  }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, one]) => ({
      name,
      ...one,
      groups: groups.filter(([, members]) => members.includes(name)).map(([group]) => group),
      decisions: first.get(name) ?? second.get(name) ?? [],
    }));
}

export async function facts(core: Uint8Array<ArrayBuffer>) {
  await init(core);
  return {
    version: wasboxVersion,
    tables: tablesVersion(),
    commands: await commands(verbs),
    errorCodes,
    errorMeanings,
    architectures: listArchitectures(),
    calls: calls(),
    groups: [...listGroups()].filter(([name]) => name !== 'known'),
    constants: [...listConstants('x86_64')],
    defaultPolicy: builtinText('default') ?? '',
  };
}
