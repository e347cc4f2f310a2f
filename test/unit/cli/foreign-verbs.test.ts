import { describe, expect, it } from 'vitest';
import { foreignVerb, foreignVerbHints } from '../../../src/cli/foreign-verbs.js';
import { verbs } from '../../../src/cli/verbs.js';
import { runOptionTable } from '../../../src/options/index.js';

describe('words of other tools', () => {
  it('lead to verbs and options that exist', () => {
    const options = new Set(['version', 'help', ...runOptionTable.map(({ name }) => name)]);
    for (const hint of foreignVerbHints) {
      for (const [, verb = ''] of hint.matchAll(/wasbox ([a-z]+)/g))
        expect(Object.keys(verbs), hint).toContain(verb);
      for (const [, name = ''] of hint.matchAll(/ --([a-z][a-z-]+)/g))
        expect([...options, 'all'], hint).toContain(name);
    }
  });

  it('are known, and other words are not', () => {
    expect(foreignVerb('undo')).toContain('wasbox discard');
    expect(foreignVerb('net')).toContain('wasbox run --net ');
    expect(foreignVerb('nosuchword')).toBeUndefined();
  });
});
