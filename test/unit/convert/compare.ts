/** Asks an imported policy, at its constants and around them, and an evaluator of the format. */
import { expect } from 'vitest';
import { compile } from '../../../src/core/index.js';
import { type ImportFormat, importPolicy } from '../../../src/policy/formats/index.js';
import { requestOf } from '../../../src/policy/source.js';
import { calls, pointsOf, type Random, X86_64 } from './random-formats.js';

const questions = 150;

/** The action for a call, by an evaluator that shares nothing with the reader. */
export type Judge = (nr: number, args: readonly bigint[]) => number;

/** Imports, compiles (with the proof), and asks at the constants and around them. */
export function compare(
  from: ImportFormat,
  text: string,
  wanted: Judge,
  random: Random,
  includes: Readonly<Record<string, string>> = {},
): void {
  const imported = importPolicy(text, { from, includes });
  const points = pointsOf([text, ...Object.values(includes)].join('\n'));
  const events = Array.from({ length: questions }, () => ({
    arch: X86_64,
    nr: random.pick([...calls.map(({ nr }) => nr), 39, 5000]),
    args: Array.from({ length: 6 }, () => random.pick(points)),
  }));
  const result = compile({ ...requestOf({ text: imported.text }, {}), events });
  expect(result.ok, imported.text).toBe(true);
  events.forEach(({ nr, args }, i) => {
    const got = result.decisions[i]?.action;
    if (got !== wanted(nr, args))
      expect.fail(
        `${nr}(${args.join(', ')}): ${got} instead of ${wanted(nr, args)} in\n${text}\n${JSON.stringify(includes)}`,
      );
  });
}
