import { describe, expect, it } from 'vitest';
import { generalHelp, runHelp } from '../../../src/cli/help.js';
import { verbs } from '../../../src/cli/verbs.js';
import { runOptionTable } from '../../../src/options/table.js';

describe('help', () => {
  it('names every option with its value and default', () => {
    const words = runHelp().replace(/\s+/g, ' ');
    for (const entry of runOptionTable) {
      const value = 'metavar' in entry ? ` ${entry.metavar}` : '';
      expect(words).toContain(`--${entry.name}${value} ${entry.help}`);
      if ('default' in entry) expect(words).toContain(`[${entry.default}]`);
    }
  });

  it('has examples, and fits a terminal', () => {
    for (const text of [generalHelp(verbs), runHelp()]) {
      expect(text).toContain('Examples:');
      for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(90);
      expect(text.endsWith('\n')).toBe(true);
    }
  });
});
