/**
 * Leaves out the tests whose programs this machine lacks (test/programs.mjs), before anything of theirs runs.
 * test/run.mjs tells of them.
 */
import { TestRunner } from 'vitest';
import { patternsOf } from '../programs.mjs';

export default class extends TestRunner {
  /** The pattern of `-t`. */
  readonly #given = this.config.testNamePattern?.source ?? '';

  override onCollectStart(file: Parameters<TestRunner['onCollectStart']>[0]): void {
    super.onCollectStart(file);
    const patterns = patternsOf(file.filepath).map(({ source }) => `(?=.*(?:${source}))`);
    // Vitest leaves out what the pattern does not match.
    const missing = patterns.length > 0 ? `(?!${patterns.join('|')})` : '';
    const source = this.#given === '' ? missing : `${missing}(?=.*(?:${this.#given}))`;
    this.config.testNamePattern = source === '' ? undefined : new RegExp(`^${source}`, 's');
  }

  /** The process has another runner for its next file, with the same configuration. */
  override onAfterRunFiles(): void {
    super.onAfterRunFiles();
    this.config.testNamePattern = this.#given === '' ? undefined : new RegExp(this.#given);
  }
}
