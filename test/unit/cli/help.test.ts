import { describe, expect, it } from 'vitest';
import { commands } from '../../../src/cli/catalogue.js';
import { runHelp, verbHelp } from '../../../src/cli/help.js';
import { verbs } from '../../../src/cli/verbs.js';
import { runOptionTable } from '../../../src/options/index.js';

const lines = (text: string): string[] => text.split('\n');

describe('the help of a run', () => {
  it.each([
    ['net', 'Network:', '--publish'],
    ['limits', 'Limits:', '--memory'],
    ['timeout', 'Limits:', '--cpu'],
    ['policy', 'Environment and policy:', '--allow'],
    ['FILES', 'Files:', '--workdir'],
  ])('shows one group for %s', (word, group, option) => {
    const text = runHelp(word);
    expect(lines(text)[0]).toBe(group);
    expect(text).toContain(option);
    expect(lines(text).filter((line) => /^[A-Z][a-z ]+:$/.test(line))).toEqual([group]);
  });

  it.each([undefined, 'script.py'])(
    'shows all of it for %s, with the names of the groups',
    (word) => {
      const text = runHelp(word);
      for (const { name } of runOptionTable) expect(text).toContain(`--${name}`);
      expect(text).toContain('wasbox run --help GROUP (program, files, network');
    },
  );

  it('fits in 80 columns', () => {
    for (const text of [runHelp(), runHelp('net')])
      for (const line of lines(text)) expect(line.length, line).toBeLessThanOrEqual(80);
  });
});

describe('the help of a command', () => {
  const own = {
    name: 'own',
    kind: 'flag',
    group: 'Output',
    help: 'its own',
    scope: 'cli',
  } as const;
  const entry = { ...own, property: 'own' };

  it('names its own options alone, where it has those of a run as well', () => {
    const text = verbHelp('Does it.', 'does [options]', [entry, ...runOptionTable]);
    expect(text).toContain('--own');
    expect(text).toContain('The options of a run work here, too: wasbox run --help');
    expect(text).not.toContain('--memory');
    expect(lines(text).length).toBeLessThan(25);
  });

  it('wraps each paragraph of its description by itself', () => {
    const second = 'b '.repeat(38).trim();
    const text = verbHelp(`${'a '.repeat(30)}end.\n${second}`, 'does', []);
    expect(lines(text)).toContain(second);
  });

  it('fits in 80 columns, whichever command it is', async () => {
    const all = await commands(verbs);
    expect(all.map(({ name }) => name)).toContain('session');
    for (const { name, what, usages, options } of all)
      for (const usage of usages)
        for (const line of lines(verbHelp(what, `${name} ${usage}`, options)))
          expect(line.length, line).toBeLessThanOrEqual(80);
  });

  it('names the few of a run that it has', () => {
    const text = verbHelp('Does it.', 'does [options]', [entry, ...runOptionTable.slice(0, 3)]);
    expect(text).toContain('--lang');
    expect(text).not.toContain('options of a run');
  });
});
