/**
 * Leaves out the tests whose programs this machine lacks (test/programs.mjs), before anything of theirs runs.
 * test/run.mjs tells of them.
 */
import { TestRunner } from 'vitest';
import { patternsOf } from '../programs.mjs';

export default class extends TestRunner {
  override onCollectStart(file: Parameters<TestRunner['onCollectStart']>[0]): void {
    super.onCollectStart(file);
    const patterns = patternsOf(file.filepath).map(({ source }) => `(?=.*(?:${source}))`);
    // Vitest leaves out what the pattern does not match, unless `-t` gives another.
    this.config.testNamePattern =
      patterns.length > 0 ? new RegExp(`^(?!${patterns.join('|')})`, 's') : undefined;
  }
}
