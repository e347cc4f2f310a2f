/** `wasbox policy groups`: the groups of calls, and what is in them. */
import { UsageError } from '../../errors/index.js';
import { suggest } from '../../options/index.js';
import { listGroups, tablesVersion } from '../../policy/index.js';
import { out } from '../terminal.js';
import { flag, parseVerb } from '../verb.js';
import { printJson } from './output.js';

export function groupsVerb(argv: readonly string[]): number {
  const parsed = parseVerb(
    {
      name: 'policy groups',
      what: 'List the groups of system calls that policies can use, or the calls in some of them.',
      usage: '[@GROUP…] [--json]',
      options: [flag('json', 'print them as JSON')],
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const all = listGroups();
  const wanted = parsed.operands.map((name) => name.replace(/^@/, ''));
  for (const name of wanted) {
    if (all.has(name)) continue;
    const near = suggest(name, [...all.keys()]);
    throw new UsageError('ERR_OPTION_VALUE', `unknown group "@${name}"`, {
      hint: near === undefined ? 'See wasbox policy groups.' : `Did you mean: @${near}`,
    });
  }
  const chosen = [...all].filter(([name]) => wanted.length === 0 || wanted.includes(name));
  if (parsed.values.json === true) {
    printJson({ tables: tablesVersion(), groups: Object.fromEntries(chosen) });
  } else if (wanted.length === 0) {
    for (const [name, members] of chosen) out(`@${name.padEnd(16)} ${members.length} calls\n`);
  } else {
    for (const [name, members] of chosen) out(`@${name}\n  ${members.join('\n  ')}\n`);
  }
  return 0;
}
