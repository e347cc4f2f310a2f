/** `wasbox preset`: lists presets, prints one as the TOML file that it is, removes their caches. */
import { cachedPresets, clearCaches } from '../changes/index.js';
import { UsageError } from '../errors/index.js';
import { presetNames, presetText, readPreset } from '../preset/index.js';
import { withName } from '../resolve/index.js';
import { columns } from './columns.js';
import { out } from './terminal.js';
import { parseVerb, userStore } from './verb.js';

const usage = 'list|show|clear [NAME]';

function list(): void {
  const rows = presetNames.map((name) => {
    const { commands, about } = readPreset(name);
    return [name, commands.join(' '), about];
  });
  out(columns(['NAME', 'COMMANDS', 'FOR'], rows));
}

function clear(name: string | undefined): void {
  const store = userStore();
  const cached = cachedPresets(store);
  if (name !== undefined && name !== withName) presetText(name); // it must be one
  for (const one of cached.filter((other) => name === undefined || other === name)) {
    clearCaches(store, one);
    out(`cleared ${one}\n`);
  }
}

export function presetVerb(argv: readonly string[]): number {
  const parsed = parseVerb(
    {
      name: 'preset',
      what: 'Presets for --for: list them, show one as the TOML file that it is, or clear the caches of one or of all; with is the name of the packages of --with.',
      usage,
      options: [],
      maxOperands: 2,
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const [verb, name] = parsed.operands;
  if (verb === 'show' && name !== undefined) out(presetText(name));
  else if (verb === 'list' && name === undefined) list();
  else if (verb === 'clear') clear(name);
  else {
    throw new UsageError('ERR_USAGE', 'wasbox preset takes list, show NAME, or clear [NAME]', {
      hint: `Usage: wasbox preset ${usage}`,
    });
  }
  return 0;
}
